"""Tune a small model with labels made by hand, then generate in batches with another."""
import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments


def tune(name="EleutherAI/pythia-160m"):
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
    model = AutoModelForCausalLM.from_pretrained(name)
    model.resize_token_embeddings(len(tokenizer))
    model = get_peft_model(
        model,
        LoraConfig(r=8, target_modules=["query_key_value"], modules_to_save=["embed_in", "embed_out"], task_type="CAUSAL_LM"),
    )
    rows = load_dataset("text", data_files="corpus.txt", split="train")
    rows = rows.map(lambda row: tokenizer(row["text"], truncation=True, max_length=512), remove_columns=["text"])
    Trainer(
        model=model,
        args=TrainingArguments("pythia-lora", learning_rate=3e-4, num_train_epochs=1, report_to="none"),
        train_dataset=rows,
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    ).train()
    model.save_pretrained("pythia-lora")


def sample(prompts, name="gpt2"):
    tokenizer = AutoTokenizer.from_pretrained(name, padding_side="left")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(name)
    model.eval()
    inputs = tokenizer(prompts, padding=True, return_tensors="pt")
    out = model.generate(**inputs, max_new_tokens=32, pad_token_id=tokenizer.pad_token_id)
    return tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1]:], skip_special_tokens=True)


if __name__ == "__main__":
    tune()
    print(sample(["Hello", "Once upon a time"]))
