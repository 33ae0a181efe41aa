import argparse

import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description="Merge an adapter into its base.")
    parser.add_argument("adapter")
    parser.add_argument("out")
    parser.add_argument("--push", action="store_true")
    args = parser.parse_args()
    model = AutoPeftModelForCausalLM.from_pretrained(args.adapter, dtype=torch.bfloat16, device_map="cpu")
    base_name = model.peft_config["default"].base_model_name_or_path
    merged = model.merge_and_unload(safe_merge=True)
    merged.save_pretrained(args.out)
    tokenizer = AutoTokenizer.from_pretrained(base_name)
    tokenizer.save_pretrained(args.out)
    if args.push:
        merged.push_to_hub(args.out)
        tokenizer.push_to_hub(args.out)


if __name__ == "__main__":
    main()
