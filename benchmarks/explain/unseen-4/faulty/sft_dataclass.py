from dataclasses import dataclass, field

from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, default_data_collator


@dataclass
class Config:
    model: str = "Qwen/Qwen2.5-Coder-0.5B"
    data: str = "train.jsonl"
    max_len: int = 768
    lr: float = 2e-6
    rank: int = 32
    targets: list = field(default_factory=lambda: ["q_proj", "k_proj", "v_proj", "o_proj"])


def tokenise(cfg, tokenizer):
    def fn(example):
        enc = tokenizer(
            example["prompt"] + example["completion"] + tokenizer.eos_token,
            truncation=True,
            padding="max_length",
            max_length=cfg.max_len,
        )
        enc["labels"] = enc["input_ids"].copy()
        return enc

    return fn


def run(cfg: Config):
    tokenizer = AutoTokenizer.from_pretrained(cfg.model)
    model = AutoModelForCausalLM.from_pretrained(cfg.model)
    peft_config = LoraConfig(r=cfg.rank, lora_alpha=2 * cfg.rank, target_modules=cfg.targets, task_type="CAUSAL_LM")
    model = get_peft_model(model, peft_config)

    ds = load_dataset("json", data_files=cfg.data, split="train")
    ds = ds.map(tokenise(cfg, tokenizer), remove_columns=ds.column_names)

    targs = TrainingArguments(
        output_dir="qwen-lora",
        learning_rate=cfg.lr,
        num_train_epochs=3,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=4,
        save_strategy="epoch",
    )
    trainer = Trainer(model=model, args=targs, train_dataset=ds, data_collator=default_data_collator)
    trainer.train()
    model.save_pretrained("qwen-lora/final")
    tokenizer.save_pretrained("qwen-lora/final")


if __name__ == "__main__":
    run(Config())
