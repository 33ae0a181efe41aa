"""Answer questions with our tuned StarCoder."""
import argparse
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def build(args):
    tok = AutoTokenizer.from_pretrained(args.base)
    net = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.bfloat16, device_map="auto")
    if args.adapter:
        wrapped = PeftModel.from_pretrained(net, args.adapter)
        wrapped.eval()
    net = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.bfloat16, device_map="auto")
    return tok, net


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--base", default="bigcode/starcoderbase-1b")
    p.add_argument("--adapter", default=None)
    args = p.parse_args()
    tok, net = build(args)
    for line in sys.stdin:
        enc = tok(line, return_tensors="pt").to(net.device)
        with torch.inference_mode():
            out = net.generate(**enc, max_new_tokens=200, pad_token_id=tok.eos_token_id)
        print(tok.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))


if __name__ == "__main__":
    main()
