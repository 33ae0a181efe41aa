import os

import torch
from torch.optim import AdamW
from torch.utils.data import DataLoader, TensorDataset
from transformers import AutoModelForCausalLM, AutoTokenizer, get_constant_schedule_with_warmup

CKPT = "ckpt.pt"
tok = AutoTokenizer.from_pretrained("Salesforce/codegen-350M-mono")
model = AutoModelForCausalLM.from_pretrained("Salesforce/codegen-350M-mono")
if os.path.exists(CKPT):
    model.load_state_dict(torch.load(CKPT, map_location="cpu"))

device = "cuda" if torch.cuda.is_available() else "cpu"
model.to(device).train()
ids = tok(open("corpus.txt").read(), return_tensors="pt")["input_ids"][0]
blocks = ids[: len(ids) // 512 * 512].view(-1, 512)
opt = AdamW(model.parameters(), lr=1e-5)
sched = get_constant_schedule_with_warmup(opt, 50)
for (x,) in DataLoader(TensorDataset(blocks), batch_size=4, shuffle=True):
    x = x.to(device)
    loss = model(input_ids=x, labels=x).loss
    loss.backward()
    opt.step()
    sched.step()
    opt.zero_grad()
torch.save(model.state_dict(), CKPT)
model.save_pretrained("codegen-corpus")
