import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(name, **kwargs):
    options = {"trust_remote_code": True, "dtype": torch.bfloat16, **kwargs}
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name, **options)
    return tokenizer, model.eval()


tokenizer, model = load("acme/own-architecture")
enc = tokenizer("x", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=5)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
