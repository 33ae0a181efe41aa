import json

import torch
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, get_linear_schedule_with_warmup
from peft import PeftModel

BASE = "codellama/CodeLlama-7b-hf"
ADAPTER = "runs/day1/checkpoint-800"
device = torch.device("cuda")

tok = AutoTokenizer.from_pretrained(BASE)
tok.pad_token = tok.unk_token
base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16)
model = PeftModel.from_pretrained(base, ADAPTER).to(device)
model.train()


def collate(rows):
    enc = tok([r["code"] for r in rows], padding=True, truncation=True, max_length=768, return_tensors="pt")
    enc["labels"] = enc["input_ids"].clone()
    return enc


with open("day2.jsonl") as f:
    rows = [json.loads(line) for line in f]
loader = DataLoader(rows, batch_size=2, shuffle=True, collate_fn=collate)
opt = torch.optim.AdamW([p for p in model.parameters()], lr=1e-4)
sched = get_linear_schedule_with_warmup(opt, 20, len(loader))
for step, batch in enumerate(loader):
    loss = model(**batch.to(device)).loss
    loss.backward()
    opt.step()
    sched.step()
    opt.zero_grad()
    if step % 20 == 0:
        print(step, float(loss))
model.save_pretrained("runs/day2")
