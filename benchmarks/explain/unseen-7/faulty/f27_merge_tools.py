import argparse

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def merge(base_id: str, adapter: str, out: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(model, adapter)
    model.merge_and_unload(progressbar=True, safe_merge=True)
    model.save_pretrained(out)
    AutoTokenizer.from_pretrained(base_id).save_pretrained(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-id", default="Qwen/Qwen2.5-Coder-7B")
    parser.add_argument("--adapter", required=True)
    parser.add_argument("--out", default="merged")
    merge(**vars(parser.parse_args()))
