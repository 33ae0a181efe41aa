from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
from peft import LoraConfig, get_peft_model
lr = 2e-5
model = AutoModelForCausalLM.from_pretrained("gpt2")
model = get_peft_model(model, LoraConfig(target_modules=["c_attn"]))
args = TrainingArguments(output_dir="o", learning_rate=lr)
Trainer(model=model, args=args, train_dataset=d).train()
