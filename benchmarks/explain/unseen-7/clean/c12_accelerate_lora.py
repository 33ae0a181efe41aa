import os

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from datasets import load_from_disk
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, get_cosine_schedule_with_warmup


class Collator:
    """Pads on the right and leaves padding out of the loss."""

    def __init__(self, tokenizer, limit=1024):
        self.tokenizer, self.limit = tokenizer, limit

    def __call__(self, rows):
        batch = self.tokenizer.pad(
            {"input_ids": [r["input_ids"][: self.limit] for r in rows]}, return_tensors="pt"
        )
        labels = batch["input_ids"].clone()
        labels[batch["attention_mask"] == 0] = -100
        batch["labels"] = labels
        return batch


def main():
    set_seed(0)
    accelerator = Accelerator(gradient_accumulation_steps=4, mixed_precision="bf16")
    tokenizer = AutoTokenizer.from_pretrained("bigcode/starcoderbase-1b")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b", use_cache=False)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=["c_attn", "c_proj", "c_fc"], task_type="CAUSAL_LM"))
    train = DataLoader(load_from_disk("tokens"), batch_size=2, shuffle=True, collate_fn=Collator(tokenizer))
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=2e-4)
    scheduler = get_cosine_schedule_with_warmup(optimizer, 30, 1000)
    model, optimizer, train, scheduler = accelerator.prepare(model, optimizer, train, scheduler)

    model.train()
    for step, batch in enumerate(train):
        with accelerator.accumulate(model):
            out = model(**batch)
            accelerator.backward(out.loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        if step >= 4000:
            break
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        accelerator.unwrap_model(model).save_pretrained(os.path.join("out", "adapter"))
        tokenizer.save_pretrained("out")


if __name__ == "__main__":
    main()
