import argparse
import torch
from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("adapter"); p.add_argument("out")
    a = p.parse_args()
    config = PeftConfig.from_pretrained(a.adapter)
    base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path, dtype=torch.bfloat16)
    merged = PeftModel.from_pretrained(base, a.adapter).merge_and_unload(safe_merge=True)
    merged.save_pretrained(a.out)
    AutoTokenizer.from_pretrained(config.base_model_name_or_path).save_pretrained(a.out)
if __name__ == "__main__":
    main()
