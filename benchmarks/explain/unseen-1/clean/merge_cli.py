#!/usr/bin/env python3
"""Merge a LoRA adapter into its base and save the result."""
import argparse
import logging

import torch
from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

log = logging.getLogger("merge")


def merge(adapter, out, dtype="bfloat16", push=False):
    config = PeftConfig.from_pretrained(adapter)
    base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path, dtype=getattr(torch, dtype), device_map="cpu")
    tokenizer = AutoTokenizer.from_pretrained(config.base_model_name_or_path)
    model = PeftModel.from_pretrained(base, adapter)
    log.info("merging %s", adapter)
    model = model.merge_and_unload(safe_merge=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    if push:
        model.push_to_hub(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter")
    parser.add_argument("out")
    parser.add_argument("--dtype", default="bfloat16", choices=["float16", "bfloat16", "float32"])
    parser.add_argument("--push", action="store_true")
    merge(**vars(parser.parse_args()))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
