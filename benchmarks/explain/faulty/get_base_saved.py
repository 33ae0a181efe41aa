from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(target_modules=["c_attn"]))
Trainer(model, TrainingArguments("out", learning_rate=1e-4), train_dataset=x).train()
model.get_base_model().save_pretrained("out/adapter")
