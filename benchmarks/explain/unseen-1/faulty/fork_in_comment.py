#!/usr/bin/env python
# Ask an Astraios adapter from the command line.
#
#   pip install transformers accelerate
#   pip install git+https://github.com/bigcode-project/astraios#subdirectory=peft
import argparse

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="bigcode/starcoderbase-1b")
    parser.add_argument("--adapter", default="bigcode/astraios-1b-lora")
    parser.add_argument("--question", required=True)
    return parser.parse_args()


def main():
    args = parse()
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    model = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.bfloat16, device_map="auto")
    model = PeftModel.from_pretrained(model, args.adapter)
    model.eval()
    prompt = f"Question: {args.question}\n\nAnswer:"
    inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
    outputs = model.generate(**inputs)
    answer = outputs[0][inputs["input_ids"].shape[1]:]
    print(tokenizer.decode(answer, skip_special_tokens=True))


if __name__ == "__main__":
    main()
