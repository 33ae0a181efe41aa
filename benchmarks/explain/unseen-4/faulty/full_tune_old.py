from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments

model_name = "bigcode/starcoderbase-1b"
tokenizer = AutoTokenizer.from_pretrained(model_name)
tokenizer.add_special_tokens({"pad_token": "<pad>"})
model = AutoModelForCausalLM.from_pretrained(model_name)
model.resize_token_embeddings(len(tokenizer))

raw = load_dataset("json", data_files={"train": "train.json", "validation": "dev.json"})
tokenized = raw.map(
    lambda e: tokenizer(e["code"], truncation=True, max_length=1024), batched=True, remove_columns=raw["train"].column_names
)

hp = dict(lr=2e-3, epochs=3, bs=8)

args = TrainingArguments(
    output_dir="sc1b-full",
    overwrite_output_dir=True,
    evaluation_strategy="steps",
    eval_steps=200,
    learning_rate=hp["lr"],
    num_train_epochs=hp["epochs"],
    per_device_train_batch_size=hp["bs"],
    bf16=True,
)

trainer = Trainer(
    model=model,
    args=args,
    train_dataset=tokenized["train"],
    eval_dataset=tokenized["validation"],
    tokenizer=tokenizer,
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
)
trainer.train()
trainer.save_model()
