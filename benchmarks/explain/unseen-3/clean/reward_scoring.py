import torch
from peft import PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

base = "distilbert-base-uncased"
tok = AutoTokenizer.from_pretrained(base)
model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1)
model = PeftModel.from_pretrained(model, "acme/reward-lora")
device = "cuda" if torch.cuda.is_available() else "cpu"
model.to(device).eval()


@torch.no_grad()
def rewards(pairs):
    enc = tok([q for q, _ in pairs], [a for _, a in pairs], padding=True, truncation=True, return_tensors="pt").to(device)
    return model(**enc).logits.squeeze(-1).tolist()


print(rewards([("What is 2 + 2?", "4"), ("What is 2 + 2?", "Fish")]))
