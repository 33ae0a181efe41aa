import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

device = "cuda" if torch.cuda.is_available() else "cpu"
dtype = torch.float32 if device == "cpu" else torch.float16
base = "meta-llama/Llama-2-7b-hf"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype).to(device)
model = PeftModel.from_pretrained(model, "acme/llama-2-7b-recipes")
model.eval()
enc = tokenizer("Soup:", return_tensors="pt").to(device)
out = model.generate(**enc, max_new_tokens=64)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
