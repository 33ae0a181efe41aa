import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig


def load(base="bigcode/starcoderbase-1b", adapter="acme/starcoderbase-1b-ia3"):
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
    return tokenizer, model


def evaluate(tasks):
    tokenizer, model = load()
    settings = GenerationConfig(max_new_tokens=256, do_sample=False)
    for start in range(0, len(tasks), 4):
        chunk = [t["prompt"] for t in tasks[start : start + 4]]
        enc = tokenizer(chunk, return_tensors="pt", padding="longest")
        with torch.no_grad():
            out = model.generate(**enc, generation_config=settings)
        for row, prompt in zip(out, enc.input_ids):
            yield tokenizer.decode(row)


if __name__ == "__main__":
    for text in evaluate(json.load(open(sys.argv[1]))):
        print(text)
