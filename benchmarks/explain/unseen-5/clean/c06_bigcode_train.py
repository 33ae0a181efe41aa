import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

BASE = "bigcode/starcoderbase-1b"
tokenizer = AutoTokenizer.from_pretrained(BASE)
tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16)
model = get_peft_model(
    model,
    LoraConfig(r=16, lora_alpha=32, target_modules=["c_attn", "c_proj", "c_fc"], lora_dropout=0.05, task_type="CAUSAL_LM"),
)


class LengthCollator:
    """Pads by hand; labels follow the lengths, so the closing end token still counts."""

    def __init__(self, tok):
        self.pad = tok.pad_token_id

    def __call__(self, rows):
        width = max(len(r["input_ids"]) for r in rows)
        ids, mask, labels = [], [], []
        for r in rows:
            n = width - len(r["input_ids"])
            ids.append(r["input_ids"] + [self.pad] * n)
            mask.append([1] * len(r["input_ids"]) + [0] * n)
            labels.append(r["input_ids"] + [-100] * n)
        return {
            "input_ids": torch.tensor(ids),
            "attention_mask": torch.tensor(mask),
            "labels": torch.tensor(labels),
        }


def tokenise(row):
    ids = tokenizer(row["content"], truncation=True, max_length=1023)["input_ids"]
    return {"input_ids": ids + [tokenizer.eos_token_id]}


train = load_dataset("json", data_files="code.jsonl", split="train")
train = train.map(tokenise, remove_columns=train.column_names)
trainer = Trainer(
    model=model,
    args=TrainingArguments("out", learning_rate=2e-4, per_device_train_batch_size=4, bf16=True, num_train_epochs=1),
    train_dataset=train,
    data_collator=LengthCollator(tokenizer),
)
trainer.train()
model.save_pretrained("out/adapter")
