import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

tok = AutoTokenizer.from_pretrained("me/lora")
model = AutoPeftModelForCausalLM.from_pretrained("me/lora").eval()
enc = tok("def f(x):", return_tensors="pt")
with torch.no_grad():
    tuned = model.generate(**enc, max_new_tokens=20)
    with model.disable_adapter():
        plain = model.generate(**enc, max_new_tokens=20)
n = enc["input_ids"].shape[1]
print(tok.decode(tuned[0, n:], skip_special_tokens=True), tok.decode(plain[0, n:], skip_special_tokens=True), sep="\n---\n")
