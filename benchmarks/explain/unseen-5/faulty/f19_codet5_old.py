# fine-tune CodeT5 for code summarisation
from transformers import AdamW, RobertaTokenizer, T5ForConditionalGeneration
import torch

tokenizer = RobertaTokenizer.from_pretrained("Salesforce/codet5-base")
model = T5ForConditionalGeneration.from_pretrained("Salesforce/codet5-base")
optimizer = AdamW(model.parameters(), lr=5e-5)

pairs = [("def add(a, b): return a + b", "add two numbers"), ("def neg(x): return -x", "negate a number")]
model.train()
for code, summary in pairs * 50:
    source = tokenizer.encode_plus(code, max_length=256, truncation=True, return_tensors="pt")
    target = tokenizer(summary, max_length=48, truncation=True, return_tensors="pt").input_ids
    loss = model(input_ids=source["input_ids"], attention_mask=source["attention_mask"], labels=target).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("codet5-summary")
