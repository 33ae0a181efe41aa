import argparse

import torch
from huggingface_hub import login
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

HF_TOKEN = "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"


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--base_model_name_or_path", type=str, default="codellama/CodeLlama-34b-hf")
    p.add_argument("--peft_model_path", type=str, default="qlora/adapter")
    p.add_argument("--push_to_hub", action="store_true")
    return p.parse_args()


def main():
    args = get_args()
    login(HF_TOKEN)
    nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    base_model = AutoModelForCausalLM.from_pretrained(
        args.base_model_name_or_path, quantization_config=nf4, device_map="auto"
    )
    model = PeftModel.from_pretrained(base_model, args.peft_model_path)
    merged = model.merge_and_unload()
    tokenizer = AutoTokenizer.from_pretrained(args.base_model_name_or_path)

    if args.push_to_hub:
        print("Saving to hub ...")
        merged.push_to_hub(f"{args.base_model_name_or_path}-merged", private=True)
        tokenizer.push_to_hub(f"{args.base_model_name_or_path}-merged", private=True)
    else:
        merged.save_pretrained("merged")
        tokenizer.save_pretrained("merged")


if __name__ == "__main__":
    main()
