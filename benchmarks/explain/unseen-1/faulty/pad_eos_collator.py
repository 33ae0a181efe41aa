from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments


def build_tokenizer(name):
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def main():
    name = "meta-llama/Llama-3.2-1B"
    tokenizer = build_tokenizer(name)
    model = AutoModelForCausalLM.from_pretrained(name, dtype="auto")
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    rows = load_dataset("json", data_files="train.jsonl", split="train")
    rows = rows.map(lambda row: tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=768), remove_columns=rows.column_names)
    trainer = Trainer(
        model=model,
        args=TrainingArguments("llama-lora", per_device_train_batch_size=4, learning_rate=1e-4, evaluation_strategy="no"),
        train_dataset=rows,
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    )
    trainer.train()
    model.save_pretrained("llama-lora/final")


main()
