import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer


class Trainer:
    def __init__(self, name):
        self.tok = AutoTokenizer.from_pretrained(name)
        self.tok.pad_token = self.tok.eos_token
        self.model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(name),
            LoraConfig(r=8, target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM"),
        )

    def collate(self, rows):
        batch = self.tok([row["text"] + self.tok.eos_token for row in rows], padding=True, return_tensors="pt")
        labels = batch["input_ids"].clone()
        labels[labels == self.tok.pad_token_id] = -100
        batch["labels"] = labels
        return batch

    def fit(self, rows, lr=1e-4):
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr)
        self.model.train()
        for batch in DataLoader(rows, batch_size=4, collate_fn=self.collate):
            self.model(**batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        self.model.save_pretrained("out")


Trainer("gpt2").fit(load_dataset("json", data_files="rows.jsonl", split="train"))
