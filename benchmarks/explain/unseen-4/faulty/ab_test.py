import argparse
import random

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def get(args):
    base = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.bfloat16, device_map="auto")
    left = PeftModel.from_pretrained(base, args.left)
    right = PeftModel.from_pretrained(base, args.right)
    return left, right


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("left")
    ap.add_argument("right")
    ap.add_argument("--base", default="bigcode/starcoderbase-3b")
    args = ap.parse_args()
    tok = AutoTokenizer.from_pretrained(args.base)
    pair = list(zip("AB", get(args)))
    for prompt in open("prompts.txt"):
        random.shuffle(pair)
        enc = tok(prompt.rstrip("\n"), return_tensors="pt")
        for letter, m in pair:
            out = m.generate(**enc.to(m.device), max_new_tokens=100)
            print(letter, tok.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))


if __name__ == "__main__":
    main()
