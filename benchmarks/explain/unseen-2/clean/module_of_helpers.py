"""Helpers that other scripts import."""
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments


def generation_tokenizer(name):
    tokenizer = AutoTokenizer.from_pretrained(name, padding_side="left")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def train_tokenizer(name):
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.pad_token = tokenizer.unk_token
    return tokenizer


def train(name, rows, output):
    tokenizer = train_tokenizer(name)
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(output, learning_rate=2e-5, num_train_epochs=1),
        train_dataset=rows,
        data_collator=DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm=False),
    )
    trainer.train()
    trainer.save_model(output)


def complete(name, prompts, length=32):
    tokenizer = generation_tokenizer(name)
    model = AutoModelForCausalLM.from_pretrained(name).eval()
    enc = tokenizer(prompts, padding=True, return_tensors="pt")
    out = model.generate(**enc, max_new_tokens=length)
    return tokenizer.batch_decode(out[:, enc["input_ids"].shape[1]:], skip_special_tokens=True)
