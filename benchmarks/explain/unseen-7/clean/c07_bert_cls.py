import evaluate
import numpy as np
from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

model_name = "FacebookAI/roberta-large"
tokenizer = AutoTokenizer.from_pretrained(model_name)
metric = evaluate.load("glue", "mrpc")


def tokenize(examples):
    return tokenizer(examples["sentence1"], examples["sentence2"], truncation=True, max_length=None)


def compute_metrics(pred):
    predictions, labels = pred
    return metric.compute(predictions=np.argmax(predictions, axis=1), references=labels)


tokenized = load_dataset("nyu-mll/glue", "mrpc").map(tokenize, batched=True, remove_columns=["idx", "sentence1", "sentence2"])
tokenized = tokenized.rename_column("label", "labels")
model = AutoModelForSequenceClassification.from_pretrained(model_name, return_dict=True)
model = get_peft_model(model, LoraConfig(task_type=TaskType.SEQ_CLS, r=16, lora_alpha=16, target_modules=["query", "value"], lora_dropout=0.1))
training_args = TrainingArguments(
    output_dir="roberta-mrpc",
    learning_rate=1e-3,
    per_device_train_batch_size=32,
    num_train_epochs=2,
    weight_decay=0.01,
    eval_strategy="epoch",
    save_strategy="epoch",
    load_best_model_at_end=True,
)
trainer = Trainer(
    model=model,
    args=training_args,
    train_dataset=tokenized["train"],
    eval_dataset=tokenized["test"],
    processing_class=tokenizer,
    data_collator=DataCollatorWithPadding(tokenizer=tokenizer, padding="longest"),
    compute_metrics=compute_metrics,
)
trainer.train()
trainer.push_to_hub()
