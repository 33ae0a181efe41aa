import csv
import sys

import torch
from peft import PeftModel
from transformers import AutoTokenizer, T5ForConditionalGeneration

tokenizer = AutoTokenizer.from_pretrained("Salesforce/codet5-base")
model = T5ForConditionalGeneration.from_pretrained("Salesforce/codet5-base")
model = PeftModel.from_pretrained(model, "acme/codet5-summaries-lora")
model.eval()

if torch.cuda.is_available():
    model = model.cuda()

rows = list(csv.DictReader(open(sys.argv[1])))
for i in range(0, len(rows), 32):
    chunk = rows[i : i + 32]
    enc = tokenizer([r["code"] for r in chunk], padding=True, truncation=True, max_length=512, return_tensors="pt")
    enc = enc.to(model.device)
    with torch.no_grad():
        ids = model.generate(**enc, max_new_tokens=48, num_beams=4)
    for r, text in zip(chunk, tokenizer.batch_decode(ids, skip_special_tokens=True)):
        print(r["id"], text, sep="\t")
