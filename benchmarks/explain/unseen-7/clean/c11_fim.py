import argparse

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def main():
    p = argparse.ArgumentParser()
    p.add_argument("file")
    p.add_argument("--line", type=int, required=True)
    p.add_argument("--adapter")
    p.add_argument("--max-new-tokens", type=int, default=64)
    args = p.parse_args()

    tokenizer = AutoTokenizer.from_pretrained("bigcode/starcoderbase-1b")
    model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b")
    if args.adapter:
        model = PeftModel.from_pretrained(model, args.adapter)
    model.eval()

    lines = open(args.file).read().splitlines(keepends=True)
    before, after = "".join(lines[: args.line]), "".join(lines[args.line :])
    prompt = f"<fim_prefix>{before}<fim_suffix>{after}<fim_middle>"
    enc = tokenizer(prompt, return_tensors="pt")
    with torch.no_grad():
        out = model.generate(**enc, max_new_tokens=args.max_new_tokens, pad_token_id=tokenizer.eos_token_id)
    middle = tokenizer.decode(out[0, enc["input_ids"].shape[1] :], skip_special_tokens=True)
    print(before + middle + after)


if __name__ == "__main__":
    main()
