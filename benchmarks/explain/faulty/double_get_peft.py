from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("gpt2")
model = get_peft_model(model, LoraConfig(r=8, target_modules=["c_attn"]))
model = get_peft_model(model, LoraConfig(r=16, target_modules=["c_attn"]))
Trainer(model=model, args=TrainingArguments("out", learning_rate=1e-4), train_dataset=[]).train()
