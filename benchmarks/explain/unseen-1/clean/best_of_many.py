import argparse
import json
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed


def load(args):
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    model = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.bfloat16, device_map="auto")
    if args.adapter:
        model = PeftModel.from_pretrained(model, args.adapter)
    return tokenizer, model.eval()


def samples(tokenizer, model, prompt, args):
    inputs = tokenizer([prompt] * args.n, return_tensors="pt").to(model.device)
    out = model.generate(**inputs, max_new_tokens=args.length, do_sample=True, temperature=args.temperature, top_p=0.95)
    start = inputs["input_ids"].shape[1]
    return [tokenizer.decode(row[start:], skip_special_tokens=True) for row in out]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--adapter")
    parser.add_argument("--n", type=int, default=5)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--out", type=Path, default=Path("samples.jsonl"))
    args = parser.parse_args()
    set_seed(42)
    tokenizer, model = load(args)
    with args.out.open("w") as sink:
        for line in Path("humaneval.jsonl").read_text().splitlines():
            task = json.loads(line)
            for completion in samples(tokenizer, model, task["prompt"], args):
                sink.write(json.dumps({"task_id": task["task_id"], "completion": completion}) + "\n")


if __name__ == "__main__":
    main()
