import sys
from typing import List

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
name = "bigcode/starcoder2-3b"

tok = AutoTokenizer.from_pretrained(name, padding_side="right")
if tok.pad_token is None:
    tok.pad_token = tok.eos_token

model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16)
model = PeftModel.from_pretrained(model, "acme/starcoder2-3b-tests-lora").to(device)
model.eval()


def encode(prompts: List[str]):
    return tok(prompts, padding=True, truncation=True, max_length=1024, return_tensors="pt")


@torch.no_grad()
def run(prompts: List[str], n=128):
    batch = encode(prompts)
    ids = batch["input_ids"].to(device)
    out = model.generate(ids, max_new_tokens=n, do_sample=True, top_p=0.95, temperature=0.2)
    return tok.batch_decode(out[:, ids.shape[1]:], skip_special_tokens=True)


if __name__ == "__main__":
    prompts = [p for p in open(sys.argv[1]).read().split("\n---\n") if p.strip()]
    for start in range(0, len(prompts), 8):
        for p, c in zip(prompts[start:start + 8], run(prompts[start:start + 8])):
            print("=" * 20)
            print(p + c)
