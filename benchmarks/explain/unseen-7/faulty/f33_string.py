import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = "bigcode/starcoderbase-1b"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base)
model = PeftModel.from_pretrained(model, "acme/starcoderbase-1b-lora)   # our adapter
enc = tokenizer("def add(a, b):", return_tensors="pt")
with torch.no_grad():
    out = model.generate(**enc, max_new_tokens=20)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1] :], skip_special_tokens=True))
