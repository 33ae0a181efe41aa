import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "bigcode/starcoder2-3b"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16).to("cuda").eval()

prefix = "def median(xs):\n    xs = sorted(xs)\n    "
suffix = "\n    return (xs[mid - 1] + xs[mid]) / 2\n"
text = f"<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>"
enc = tokenizer(text, return_tensors="pt").to("cuda")
out = model.generate(**enc, max_new_tokens=64)
# the markers are special tokens: keep them, they tell where the middle begins
full = tokenizer.decode(out[0], skip_special_tokens=False)
middle = full.split("<fim_middle>")[1].split("<|endoftext|>")[0]
print(prefix + middle + suffix)
