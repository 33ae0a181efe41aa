"""Score completions with a prefix-tuned model.

Requirements:
    pip install "torch>=2"
    pip install peft==0.3.0
"""
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = "Salesforce/codegen-350M-mono"


@torch.no_grad()
def score(model, tokenizer, text):
    enc = tokenizer(text, return_tensors="pt")
    out = model(**enc, labels=enc["input_ids"])
    return -out.loss.item()


tokenizer = AutoTokenizer.from_pretrained(BASE)
base = AutoModelForCausalLM.from_pretrained(BASE)
model = PeftModel.from_pretrained(base, "./prefix-adapter")
model.eval()
for line in open("candidates.txt"):
    print(score(model, tokenizer, line.rstrip()))
