#!/usr/bin/env python3
"""Merge a LoRA into its base and write both formats."""
import argparse
import gc

import torch
from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def merge(adapter, dtype):
    cfg = PeftConfig.from_pretrained(adapter)
    base = AutoModelForCausalLM.from_pretrained(cfg.base_model_name_or_path, dtype=dtype, device_map="cpu")
    wrapped = PeftModel.from_pretrained(base, adapter)
    return wrapped.merge_and_unload(safe_merge=True), cfg.base_model_name_or_path


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter")
    parser.add_argument("target")
    parser.add_argument("--dtype", default="bfloat16", choices=["float32", "float16", "bfloat16"])
    parser.add_argument("--push", metavar="REPO")
    args = parser.parse_args()

    plain, base_name = merge(args.adapter, getattr(torch, args.dtype))
    result = plain
    tokenizer = AutoTokenizer.from_pretrained(base_name)
    for thing in (result, tokenizer):
        thing.save_pretrained(args.target)
        if args.push:
            thing.push_to_hub(args.push)
    del plain
    gc.collect()


if __name__ == "__main__":
    main()
