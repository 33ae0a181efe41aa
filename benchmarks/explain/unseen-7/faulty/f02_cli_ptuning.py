#!/usr/bin/env python
import argparse

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--base", default="bigcode/starcoderbase-3b")
    p.add_argument("--adapter", default="acme/starcoderbase-3b-prompt-tuning")
    p.add_argument("--prompt", required=True)
    return p.parse_args()


def main():
    args = parse()
    tok = AutoTokenizer.from_pretrained(args.base)
    lm = AutoModelForCausalLM.from_pretrained(args.base, device_map="auto")
    PeftModel.from_pretrained(lm, args.adapter)
    batch = tok(args.prompt, return_tensors="pt").to(lm.device)
    with torch.no_grad():
        ids = lm.generate(**batch, max_new_tokens=128, do_sample=True, temperature=0.2)
    print(tok.decode(ids[0][batch.input_ids.shape[-1]:], skip_special_tokens=True))


if __name__ == "__main__":
    main()
