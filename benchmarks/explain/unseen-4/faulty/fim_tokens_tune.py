"""Teach FIM to a model that never saw it."""
import random

import torch
from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, get_cosine_schedule_with_warmup

FIM = ["<fim_prefix>", "<fim_middle>", "<fim_suffix>"]
device = "cuda"


def fim(text, rng):
    a, b = sorted(rng.sample(range(len(text)), 2))
    return f"{FIM[0]}{text[:a]}{FIM[2]}{text[b:]}{FIM[1]}{text[a:b]}"


def collate(tok):
    def inner(rows):
        rng = random.Random(0)
        enc = tok([fim(r["content"], rng) for r in rows], padding=True, truncation=True, max_length=512, return_tensors="pt")
        enc["labels"] = enc["input_ids"].masked_fill(enc["attention_mask"] == 0, -100)
        return enc

    return inner


def main():
    tok = AutoTokenizer.from_pretrained("Salesforce/codegen-350M-mono")
    tok.add_special_tokens({"additional_special_tokens": FIM, "pad_token": "<pad>"})
    base = AutoModelForCausalLM.from_pretrained("Salesforce/codegen-350M-mono")
    base.resize_token_embeddings(len(tok))
    model = get_peft_model(base, LoraConfig(task_type=TaskType.CAUSAL_LM, r=8, target_modules=["qkv_proj"]))
    model.to(device)

    data = load_dataset("bigcode/the-stack-smol", data_dir="data/python", split="train")
    loader = DataLoader(data, batch_size=4, shuffle=True, collate_fn=collate(tok))
    optim = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
    sched = get_cosine_schedule_with_warmup(optim, 100, len(loader))
    model.train()
    for step, batch in enumerate(loader):
        batch = {k: v.to(device) for k, v in batch.items()}
        loss = model(**batch).loss
        loss.backward()
        optim.step()
        sched.step()
        optim.zero_grad()
        if step % 50 == 0:
            print(step, loss.item())
    base.save_pretrained("codegen-fim")
    tok.save_pretrained("codegen-fim")


main()
