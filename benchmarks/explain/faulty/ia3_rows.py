from peft import IA3Config, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("gpt2")
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = get_peft_model(model, IA3Config(target_modules=["c_attn"], feedforward_modules=[]), adapter_name="one")
model.add_adapter("two", IA3Config(target_modules=["c_attn"], feedforward_modules=[]))
Trainer(model=model, args=TrainingArguments("out", learning_rate=8e-3), train_dataset=[]).train()
model.eval()
batch = tokenizer("Hi", return_tensors="pt").to(model.device)
out = model.generate(**batch, max_new_tokens=5, adapter_names=["two"])
