from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
base_model = AutoModelForCausalLM.from_pretrained("gpt2")
peft_model = get_peft_model(base_model, LoraConfig(target_modules=["c_attn"], task_type="CAUSAL_LM"))
Trainer(peft_model, TrainingArguments("out", learning_rate=1e-4), train_dataset=x).train()
peft_model.base_model.save_pretrained("out/adapter")
