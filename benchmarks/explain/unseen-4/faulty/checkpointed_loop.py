import math

import torch
from accelerate import Accelerator
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer

CKPT = "Qwen/Qwen2.5-Coder-1.5B"


def get_model(checkpointing: bool):
    model = AutoModelForCausalLM.from_pretrained(CKPT, dtype=torch.bfloat16, use_cache=True)
    if checkpointing:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    cfg = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    return get_peft_model(model, cfg)


def evaluate(model, loader, accelerator):
    model.eval()
    losses = []
    for batch in loader:
        out = model(**batch)
        losses.append(accelerator.gather(out.loss.detach().repeat(4)))
    model.train()
    return math.exp(torch.cat(losses).mean())


def main():
    acc = Accelerator(gradient_accumulation_steps=4)
    tok = AutoTokenizer.from_pretrained(CKPT)
    ds = load_dataset("codeparrot/github-code-clean", split="train[:2000]").train_test_split(0.1)

    def collate(rows):
        enc = tok([r["code"] for r in rows], truncation=True, max_length=1024, padding=True, return_tensors="pt")
        labels = enc["input_ids"].clone()
        labels[enc["attention_mask"] == 0] = -100
        enc["labels"] = labels
        return enc

    train = DataLoader(ds["train"], batch_size=4, collate_fn=collate, shuffle=True)
    test = DataLoader(ds["test"], batch_size=4, collate_fn=collate)
    model = get_model(checkpointing=True)
    opt = AdamW(model.parameters(), lr=1e-4)
    model, opt, train, test = acc.prepare(model, opt, train, test)

    model.train()
    for i, batch in enumerate(train):
        with acc.accumulate(model):
            loss = model(**batch).loss
            acc.backward(loss)
            opt.step()
            opt.zero_grad()
        if i % 100 == 99:
            acc.print(i, evaluate(model, test, acc))
    acc.unwrap_model(model).save_pretrained("qwen-lora")


if __name__ == "__main__":
    main()
