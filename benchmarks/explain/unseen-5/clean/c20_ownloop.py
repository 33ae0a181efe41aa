import math

import torch
from accelerate import Accelerator
from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, get_cosine_schedule_with_warmup

MODEL = "Salesforce/codegen-350M-mono"


def collate(tok):
    def fn(rows):
        enc = tok([r["code"] for r in rows], padding=True, truncation=True, max_length=512, return_tensors="pt")
        enc["labels"] = enc["input_ids"].masked_fill(enc["attention_mask"] == 0, -100)
        return enc

    return fn


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    losses = [model(**b).loss.item() for b in loader]
    model.train()
    return math.exp(sum(losses) / len(losses))


def sample(model, tok, device):
    model.eval()
    enc = tok("def binary_search(", return_tensors="pt").to(device)
    out = model.generate(**enc, max_new_tokens=60, do_sample=False)
    print(tok.decode(out[0][enc["input_ids"].size(1):], skip_special_tokens=True))
    model.train()


def main():
    acc = Accelerator()
    tok = AutoTokenizer.from_pretrained(MODEL)
    tok.pad_token = tok.eos_token
    model = AutoModelForCausalLM.from_pretrained(MODEL)
    model.gradient_checkpointing_enable()
    model.enable_input_require_grads()
    model.config.use_cache = False
    model = get_peft_model(model, LoraConfig(TaskType.CAUSAL_LM, r=8, lora_alpha=16, target_modules=["qkv_proj"]))

    ds = load_dataset("json", data_files={"train": "a.jsonl", "test": "b.jsonl"})
    train = DataLoader(ds["train"], batch_size=4, shuffle=True, collate_fn=collate(tok))
    test = DataLoader(ds["test"], batch_size=4, collate_fn=collate(tok))
    opt = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=3e-4)
    model, opt, train, test = acc.prepare(model, opt, train, test)
    sched = get_cosine_schedule_with_warmup(opt, 30, 2 * len(train))
    for epoch in range(2):
        for batch in train:
            loss = model(**batch).loss
            acc.backward(loss)
            opt.step()
            sched.step()
            opt.zero_grad()
        acc.print(epoch, evaluate(model, test))
        sample(acc.unwrap_model(model), tok, acc.device)
    acc.unwrap_model(model).save_pretrained("codegen-lora")


if __name__ == "__main__":
    main()
