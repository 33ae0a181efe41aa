import math

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def perplexity(model, tokenizer, texts):
    total, count = 0.0, 0
    for text in texts:
        enc = tokenizer(text, return_tensors="pt", truncation=True, max_length=1024)
        loss = model(**enc, labels=enc["input_ids"]).loss
        total += loss.item() * enc["input_ids"].numel()
        count += enc["input_ids"].numel()
    return math.exp(total / count)


def main(path="heldout.txt"):
    base = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M")
    tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-135M")
    model = PeftModel.from_pretrained(base, "acme/smollm2-135m-lora")
    model.eval()
    print(perplexity(model, tokenizer, open(path).read().split("\n\n")))


main()
