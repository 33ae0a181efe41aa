import argparse

from peft import PeftModel
from transformers import AutoModelForCausalLM


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base")
    parser.add_argument("--adapter")
    args = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(args.base)
    peft_model = PeftModel.from_pretrained(model, args.adapter)
    peft_model.merge_and_unload()
    peft_model.save_pretrained("merged")


main()
