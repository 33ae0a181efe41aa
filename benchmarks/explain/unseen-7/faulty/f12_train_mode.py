import torch
from peft import PeftModel
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

checkpoint = "google/flan-t5-base"
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
model = AutoModelForSeq2SeqLM.from_pretrained(checkpoint)
model = PeftModel.from_pretrained(model, "acme/flan-t5-base-lora-commit", is_trainable=True)
model.train()


def summarise(diffs):
    batch = tokenizer(diffs, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        out = model.generate(**batch, max_new_tokens=40)
    return tokenizer.batch_decode(out, skip_special_tokens=True)


for line in summarise(["fix: off by one", "add: retry in client"]):
    print(line)
