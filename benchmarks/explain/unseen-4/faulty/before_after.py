import json

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def sample(model, tokenizer, prompts):
    rows = []
    for p in prompts:
        enc = tokenizer(p, return_tensors="pt").to(model.device)
        with torch.no_grad():
            out = model.generate(**enc, max_new_tokens=128, do_sample=False)
        rows.append(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
    return rows


def main():
    name = "deepseek-ai/deepseek-coder-1.3b-base"
    tokenizer = AutoTokenizer.from_pretrained(name)
    base = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16, device_map="auto")
    tuned = PeftModel.from_pretrained(base, "./dsc-lora/final")
    tuned.eval()

    prompts = json.load(open("prompts.json"))
    before = sample(base, tokenizer, prompts)
    after = sample(tuned, tokenizer, prompts)
    changed = sum(a != b for a, b in zip(before, after))
    print(f"{changed} of {len(prompts)} answers changed")
    with open("compare.json", "w") as f:
        json.dump({"base": before, "tuned": after}, f)


if __name__ == "__main__":
    main()
