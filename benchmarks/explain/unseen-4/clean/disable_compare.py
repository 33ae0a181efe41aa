import json
import sys
from contextlib import nullcontext

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = "deepseek-ai/deepseek-coder-1.3b-base"


def answers(model, tok, prompts, use_adapter):
    ctx = nullcontext() if use_adapter else model.disable_adapter()
    res = []
    with ctx, torch.no_grad():
        for p in prompts:
            enc = tok(p, return_tensors="pt").to(model.device)
            ids = model.generate(**enc, max_new_tokens=100, do_sample=False)
            res.append(tok.decode(ids[0][enc.input_ids.shape[1]:], skip_special_tokens=True))
    return res


base = AutoModelForCausalLM.from_pretrained(BASE, device_map="auto")
tok = AutoTokenizer.from_pretrained(BASE)
model = PeftModel.from_pretrained(base, sys.argv[1])
prompts = json.load(open(sys.argv[2]))
for p, a, b in zip(prompts, answers(model, tok, prompts, False), answers(model, tok, prompts, True)):
    print("PROMPT", p, "BASE", a, "TUNED", b, sep="\n", end="\n\n")
