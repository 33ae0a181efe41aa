import random

import torch
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, get_scheduler

NAME = "codeparrot/codeparrot-small"
tok = AutoTokenizer.from_pretrained(NAME)
tok.pad_token = tok.eos_token  # no pad token in GPT-2; the labels below go by the mask


def collate(samples):
    enc = tok([s + tok.eos_token for s in samples], padding="longest", truncation=True, max_length=400, return_tensors="pt")
    labels = enc["input_ids"].clone()
    labels[enc["attention_mask"] == 0] = -100
    return {**enc, "labels": labels}


def train(samples, epochs=2, device="cuda" if torch.cuda.is_available() else "cpu"):
    random.seed(1)
    model = AutoModelForCausalLM.from_pretrained(NAME)
    model = get_peft_model(model, LoraConfig(r=8, target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM"))
    model.to(device)
    loader = DataLoader(samples, batch_size=8, shuffle=True, collate_fn=collate)
    opt = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=5e-4)
    sched = get_scheduler("linear", opt, 20, epochs * len(loader))
    model.train()
    for _ in range(epochs):
        for batch in loader:
            loss = model(**{k: v.to(device) for k, v in batch.items()}).loss
            loss.backward()
            opt.step()
            sched.step()
            opt.zero_grad(set_to_none=True)
    return model


if __name__ == "__main__":
    with open("samples.txt") as f:
        m = train(f.read().split("\n\n\n"))
    m.save_pretrained("parrot-lora")
