from datasets import load_dataset
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
    set_seed,
)

set_seed(7)
model_id = "bigcode/tiny_starcoder_py"
tokenizer = AutoTokenizer.from_pretrained(model_id)
tokenizer.pad_token = "<fim_pad>"
model = AutoModelForCausalLM.from_pretrained(model_id)
model.config.pad_token_id = tokenizer.pad_token_id

dataset = load_dataset("json", data_files={"train": "train.jsonl", "valid": "valid.jsonl"})
dataset = dataset.map(
    lambda b: tokenizer([c + tokenizer.eos_token for c in b["content"]], truncation=True, max_length=512),
    batched=True,
    remove_columns=["content"],
)
args = TrainingArguments(
    output_dir="tiny-ours",
    learning_rate=3e-5,
    per_device_train_batch_size=8,
    gradient_checkpointing=True,
    eval_strategy="epoch",
    save_strategy="epoch",
    load_best_model_at_end=True,
    metric_for_best_model="eval_loss",
    num_train_epochs=3,
    warmup_steps=100,
    weight_decay=0.01,
)
trainer = Trainer(
    model=model,
    args=args,
    train_dataset=dataset["train"],
    eval_dataset=dataset["valid"],
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    processing_class=tokenizer,
)
trainer.train()
model.save_pretrained("tiny-ours/best")
tokenizer.save_pretrained("tiny-ours/best")
