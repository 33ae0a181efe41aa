import torch
from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments

base = "bigcode/tiny_starcoder_py"
MARKS = ["<|issue|>", "<|fix|>"]


def lora_for(tokenizer):
    return LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=16,
        lora_alpha=32,
        lora_dropout=0.05,
        target_modules=["c_attn", "c_proj", "c_fc"],
        trainable_token_indices={"wte": tokenizer.convert_tokens_to_ids(MARKS)},
    )


def main():
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_special_tokens({"additional_special_tokens": MARKS})
    tokenizer.pad_token = "<fim_pad>"
    model = AutoModelForCausalLM.from_pretrained(base)
    model.resize_token_embeddings(len(tokenizer))
    model = get_peft_model(model, lora_for(tokenizer))

    ds = load_dataset("json", data_files="issues.jsonl", split="train")
    ds = ds.map(
        lambda r: tokenizer(f"{MARKS[0]}{r['issue']}{MARKS[1]}{r['fix']}{tokenizer.eos_token}", truncation=True, max_length=1024),
        remove_columns=ds.column_names,
    )
    trainer = Trainer(
        model=model,
        args=TrainingArguments("issue-fix", learning_rate=3e-4, num_train_epochs=3, bf16=torch.cuda.is_available()),
        train_dataset=ds,
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    )
    trainer.train()
    trainer.save_model("issue-fix/final")
    tokenizer.save_pretrained("issue-fix/final")


if __name__ == "__main__":
    main()
