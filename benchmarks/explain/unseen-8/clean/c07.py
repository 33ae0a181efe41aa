import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(base, adapter=None):
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    return (PeftModel.from_pretrained(model, adapter) if adapter else model).eval()


def perplexity(model, tokenizer, text):
    enc = tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        return torch.exp(model(**enc, labels=enc["input_ids"]).loss).item()


tokenizer = AutoTokenizer.from_pretrained("bigcode/starcoderbase-1b")
text = open("sample.py").read()
print(perplexity(load("bigcode/starcoderbase-1b"), tokenizer, text))
print(perplexity(load("bigcode/starcoderbase-1b", "me/lora"), tokenizer, text))
