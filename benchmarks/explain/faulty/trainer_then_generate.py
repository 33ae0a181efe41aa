from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
tok = AutoTokenizer.from_pretrained("gpt2")
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(target_modules=["c_attn"], task_type="CAUSAL_LM"))
trainer = Trainer(model=model, args=TrainingArguments("o", learning_rate=1e-4), train_dataset=d)
trainer.train()
enc = tok("Hello", return_tensors="pt").to(model.device)
out = model.generate(**enc, max_new_tokens=5)
print(tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True))
