import argparse

from datasets import load_dataset
from peft import PromptTuningConfig, PromptTuningInit, TaskType, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)


def add_soft_prompt(model, n_tokens, text, name):
    cfg = PromptTuningConfig(
        task_type=TaskType.CAUSAL_LM,
        prompt_tuning_init=PromptTuningInit.TEXT,
        num_virtual_tokens=n_tokens,
        prompt_tuning_init_text=text,
        tokenizer_name_or_path=name,
    )
    get_peft_model(model, cfg)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", default="Salesforce/codegen-350M-mono")
    p.add_argument("--n-virtual", type=int, default=16)
    p.add_argument("--out", default="soft-prompt")
    args = p.parse_args()

    tok = AutoTokenizer.from_pretrained(args.model)
    tok.add_special_tokens({"pad_token": "<|pad|>"})
    model = AutoModelForCausalLM.from_pretrained(args.model)
    model.resize_token_embeddings(len(tok))
    add_soft_prompt(model, args.n_virtual, "Write a python function:", args.model)

    ds = load_dataset("json", data_files="train.jsonl")["train"]
    ds = ds.map(lambda r: tok(r["text"], truncation=True, max_length=512), remove_columns=ds.column_names)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(args.out, per_device_train_batch_size=4, learning_rate=3e-2, num_train_epochs=2),
        train_dataset=ds,
        data_collator=DataCollatorForLanguageModeling(tok, mlm=False),
    )
    trainer.train()
    trainer.save_model(args.out)


if __name__ == "__main__":
    main()
