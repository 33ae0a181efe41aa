import argparse
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

p = argparse.ArgumentParser()
p.add_argument("--base", required=True)
p.add_argument("--adapter")
p.add_argument("--device", default="cuda")
p.add_argument("--merge", action="store_true")
p.add_argument("--max_new_tokens", type=int, default=128)
a = p.parse_args()
tok = AutoTokenizer.from_pretrained(a.base)
model = AutoModelForCausalLM.from_pretrained(a.base, dtype=torch.bfloat16)
if a.adapter:
    model = PeftModel.from_pretrained(model, a.adapter)
    if a.merge:
        model = model.merge_and_unload()
model = model.to(a.device).eval()
for line in open("prompts.txt"):
    enc = tok(line.rstrip("\n"), return_tensors="pt").to(a.device)
    out = model.generate(**enc, max_new_tokens=a.max_new_tokens)
    print(tok.decode(out[0, enc.input_ids.shape[1]:], skip_special_tokens=True))
