import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

name = "distilbert-base-uncased-finetuned-sst-2-english"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForSequenceClassification.from_pretrained(name)
model.eval()
batch = tokenizer(["good", "not good at all"], padding=True, return_tensors="pt")
with torch.no_grad():
    logits = model(**batch).logits
print([model.config.id2label[i] for i in logits.argmax(-1).tolist()])
