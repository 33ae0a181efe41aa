import argparse

import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)


def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_path", default="bigcode/starcoderbase-3b")
    parser.add_argument("--data", default="train.jsonl")
    parser.add_argument("--seq_length", type=int, default=1024)
    parser.add_argument("--output_dir", default="./checkpoints")
    return parser.parse_args()


def main(args):
    tokenizer = AutoTokenizer.from_pretrained(args.model_path)
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-3b", dtype=torch.bfloat16)

    lora_config = LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.05,
        bias="none",
        task_type="CAUSAL_LM",
        target_modules=["q_proj", "v_proj"],
    )
    model = get_peft_model(model, lora_config)
    model.print_trainable_parameters()

    raw = load_dataset("json", data_files=args.data, split="train").train_test_split(test_size=0.02, seed=0)
    ds = raw.map(
        lambda r: tokenizer(r["content"], truncation=True, max_length=args.seq_length),
        remove_columns=raw["train"].column_names,
    )

    training_args = TrainingArguments(
        output_dir=args.output_dir,
        evaluation_strategy="steps",
        eval_steps=200,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
        learning_rate=1e-4,
        max_steps=2000,
        bf16=True,
    )
    trainer = Trainer(
        model=model,
        args=training_args,
        train_dataset=ds["train"],
        eval_dataset=ds["test"],
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    )
    trainer.train()
    model.save_pretrained(args.output_dir + "/final")


if __name__ == "__main__":
    main(get_args())
