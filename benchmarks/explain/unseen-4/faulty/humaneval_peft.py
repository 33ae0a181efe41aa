"""pass@k on HumanEval with a tuned adapter."""
import argparse

import numpy as np
import torch
from datasets import load_dataset
from peft import PeftConfig, get_peft_model
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

STOP = ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]


def pass_at_k(n, c, k):
    if n - c < k:
        return 1.0
    return 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))


def load_model(adapter):
    peft_config = PeftConfig.from_pretrained(adapter)
    base = AutoModelForCausalLM.from_pretrained(
        peft_config.base_model_name_or_path, dtype=torch.float16, device_map="auto"
    )
    model = get_peft_model(base, peft_config)
    tokenizer = AutoTokenizer.from_pretrained(peft_config.base_model_name_or_path)
    return model.eval(), tokenizer


def cut(text):
    idx = [text.find(s) for s in STOP if s in text]
    return text[: min(idx)] if idx else text


def check(problem, completion):
    scope = {}
    try:
        exec(problem["prompt"] + completion + "\n" + problem["test"], scope)
        scope["check"](scope[problem["entry_point"]])
        return True
    except Exception:
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adapter")
    parser.add_argument("-n", type=int, default=10)
    parser.add_argument("-k", type=int, default=1)
    args = parser.parse_args()
    model, tokenizer = load_model(args.adapter)
    scores = []
    for problem in tqdm(load_dataset("openai_humaneval", split="test")):
        enc = tokenizer(problem["prompt"], return_tensors="pt").to(model.device)
        out = model.generate(
            **enc, max_new_tokens=256, do_sample=True, temperature=0.2, top_p=0.95, num_return_sequences=args.n
        )
        new = out[:, enc["input_ids"].shape[1]:]
        ok = sum(check(problem, cut(t)) for t in tokenizer.batch_decode(new, skip_special_tokens=True))
        scores.append(pass_at_k(args.n, ok, args.k))
    print(f"pass@{args.k} = {np.mean(scores):.4f}")


if __name__ == "__main__":
    main()
