# why does print_trainable_parameters() look strange? (posted in the forum)
import torch
from transformers import AutoModelForCausalLM
from peft import LoraConfig, PeftModel, get_peft_model

model = AutoModelForCausalLM.from_pretrained("deepseek-ai/deepseek-coder-1.3b-base", dtype=torch.bfloat16)
model = PeftModel.from_pretrained(model, "./stage1", is_trainable=True)

config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
model = get_peft_model(model, config)
model.print_trainable_parameters()
