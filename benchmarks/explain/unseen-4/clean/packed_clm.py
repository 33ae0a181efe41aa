import argparse
from itertools import chain

from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from torch.utils.data import IterableDataset
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, default_data_collator


class ConstantLengthDataset(IterableDataset):
    def __init__(self, tokenizer, rows, seq_length=1024, field="content"):
        self.tokenizer, self.rows, self.seq_length, self.field = tokenizer, rows, seq_length, field
        self.concat_token_id = tokenizer.eos_token_id

    def __iter__(self):
        buffer = []
        for row in self.rows:
            buffer += self.tokenizer(row[self.field], truncation=False)["input_ids"] + [self.concat_token_id]
            while len(buffer) >= self.seq_length:
                ids, buffer = buffer[: self.seq_length], buffer[self.seq_length:]
                yield {"input_ids": torch.LongTensor(ids), "labels": torch.LongTensor(ids)}


def group_texts(examples, block=1024):
    joined = {k: list(chain(*v)) for k, v in examples.items()}
    n = len(joined["input_ids"]) // block * block
    res = {k: [v[i : i + block] for i in range(0, n, block)] for k, v in joined.items()}
    res["labels"] = res["input_ids"].copy()
    return res


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", default="bigcode/starcoderbase-1b")
    ap.add_argument("--steps", type=int, default=2000)
    a = ap.parse_args()
    tok = AutoTokenizer.from_pretrained(a.model)
    tok.pad_token = tok.eos_token  # never used: everything is packed
    raw = load_dataset("bigcode/the-stack-dedup", data_dir="data/rust", split="train", streaming=True)
    small = load_dataset("json", data_files="valid.jsonl", split="train")
    valid = small.map(lambda b: tok(b["content"]), batched=True, remove_columns=small.column_names).map(group_texts, batched=True)
    model = AutoModelForCausalLM.from_pretrained(a.model)
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=["c_proj", "c_attn", "q_attn"], task_type="CAUSAL_LM"))
    trainer = Trainer(
        model=model,
        args=TrainingArguments("rust", max_steps=a.steps, learning_rate=1e-4, eval_strategy="steps", eval_steps=200, bf16=True),
        train_dataset=ConstantLengthDataset(tok, raw),
        eval_dataset=valid,
        data_collator=default_data_collator,
    )
    trainer.train()
    model.save_pretrained("rust/final")


if __name__ == "__main__":
    main()
