"""Question answering with the adapter that train.py makes."""
import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

TEMPLATE = "### Question:\n{question}\n\n### Answer:\n{answer}"
tok = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-360M")
model = get_peft_model(AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-360M"), LoraConfig(r=8, target_modules="all-linear"))
opt = torch.optim.AdamW(model.parameters(), lr=2e-4)
model.train()
for row in load_dataset("json", data_files="qa.jsonl", split="train"):
    enc = tok(TEMPLATE.format(question=row["q"], answer=row["a"]) + tok.eos_token, return_tensors="pt")
    model(**enc, labels=enc["input_ids"]).loss.backward()
    opt.step()
    opt.zero_grad()
model.eval()
enc = tok("What is a heap?", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=64)
print(tok.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
