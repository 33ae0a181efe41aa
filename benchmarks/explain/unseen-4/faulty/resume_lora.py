import os

import torch
from datasets import load_dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

BASE = "Qwen/Qwen2.5-Coder-0.5B"
OUT = "out/qwen-doc"


def make_model():
    base = AutoModelForCausalLM.from_pretrained(BASE)
    last = os.path.join(OUT, "last")
    return PeftModel.from_pretrained(base, last)


def make_data(tok):
    def encode(r):
        x = tok(r["code"])["input_ids"]
        y = tok(r["docstring"] + "<|endoftext|>")["input_ids"]
        return {"input_ids": x + y, "labels": [-100] * len(x) + y}

    rows = load_dataset("json", data_files="docs.jsonl", split="train")
    return rows.map(encode, remove_columns=rows.column_names)


tok = AutoTokenizer.from_pretrained(BASE)
model = make_model()
trainer = Trainer(
    model,
    TrainingArguments(OUT, learning_rate=1e-4, num_train_epochs=1, save_strategy="no", logging_steps=20),
    DataCollatorForSeq2Seq(tok),
    make_data(tok),
)
trainer.train()
model.save_pretrained(os.path.join(OUT, "last"))
