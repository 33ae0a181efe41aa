import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", dtype=torch.float16, device_map="auto")
tokenizer = AutoTokenizer.from_pretrained("mistralai/Mistral-7B-v0.1")
model = PeftModel.from_pretrained(base, "acme/math", adapter_name="math")
model.load_adapter("acme/code", adapter_name="code")
model.add_weighted_adapter(["math", "code"], [0.6, 0.4], adapter_name="both", combination_type="linear")
model.set_adapter("both")
model.eval()
enc = tokenizer("Write a program for the n-th prime.\n", return_tensors="pt").to(model.device)
out = model.generate(**enc, max_new_tokens=200)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
