import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

NAME = "EleutherAI/pythia-410m"


def losses(model, tokenizer, texts):
    values = []
    model.eval()
    with torch.inference_mode():
        for text in texts:
            enc = tokenizer(text, return_tensors="pt", truncation=True, max_length=512)
            values.append(model(**enc, labels=enc["input_ids"]).loss.item())
    return sum(values) / len(values)


tokenizer = AutoTokenizer.from_pretrained(NAME)
texts = open("texts.txt").read().split("\n\n")
model = AutoModelForCausalLM.from_pretrained(NAME)
before = losses(model, tokenizer, texts)
model = PeftModel.from_pretrained(model, "acme/pythia-notes")
after = losses(model, tokenizer, texts)
with model.disable_adapter():
    again = losses(model, tokenizer, texts)
print(before, after, again)
assert abs(before - again) < 1e-4
