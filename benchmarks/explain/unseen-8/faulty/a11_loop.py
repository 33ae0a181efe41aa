import torch
from accelerate import Accelerator
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, get_linear_schedule_with_warmup

LR = 2e-6


def main(loader: DataLoader, valid: DataLoader):
    accelerator = Accelerator()
    tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-135M")
    model = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M")
    model = get_peft_model(model, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR)
    scheduler = get_linear_schedule_with_warmup(optimizer, 10, 1000)
    model, optimizer, loader, valid, scheduler = accelerator.prepare(model, optimizer, loader, valid, scheduler)
    for epoch in range(3):
        model.train()
        for batch in loader:
            loss = model(**batch).loss
            accelerator.backward(loss)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        total = 0.0
        model.eval()
        for batch in valid:
            total += model(**batch).loss.item()
        print(epoch, total / len(valid))
    accelerator.unwrap_model(model).save_pretrained("adapter")
