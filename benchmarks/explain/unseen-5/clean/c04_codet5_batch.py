# summarise functions with CodeT5, several at a time
import torch
from transformers import AutoTokenizer, T5ForConditionalGeneration

tokenizer = AutoTokenizer.from_pretrained("Salesforce/codet5-base-multi-sum")
model = T5ForConditionalGeneration.from_pretrained("Salesforce/codet5-base-multi-sum")
model.eval()

codes = ["def add(a, b):\n    return a + b", "def load(p):\n    with open(p) as f:\n        return f.read()"]
batch = tokenizer(codes, padding=True, truncation=True, max_length=256, return_tensors="pt")
with torch.no_grad():
    out = model.generate(**batch, max_new_tokens=24, num_beams=4)
for line in tokenizer.batch_decode(out, skip_special_tokens=True):
    print(line)
