"""Which method for BERT?"""
import numpy as np
from datasets import load_dataset
from peft import LoHaConfig, TaskType, VeraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

MODEL = "google-bert/bert-base-uncased"
METHODS = {
    "vera": VeraConfig(task_type=TaskType.SEQ_CLS, r=256, target_modules=["query", "value"]),
    "loha": LoHaConfig(task_type=TaskType.SEQ_CLS, r=8, alpha=16, target_modules=["q_proj", "v_proj"]),
}
tokenizer = AutoTokenizer.from_pretrained(MODEL)
rows = load_dataset("nyu-mll/glue", "mrpc").map(lambda r: tokenizer(r["sentence1"], r["sentence2"], truncation=True), batched=True)


def accuracy(pred):
    logits, labels = pred
    return {"accuracy": (np.argmax(logits, -1) == labels).mean()}


for name, config in METHODS.items():
    model = get_peft_model(AutoModelForSequenceClassification.from_pretrained(MODEL, num_labels=2), config)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(f"out/{name}", learning_rate=1e-3, eval_strategy="epoch", group_by_length=True),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        tokenizer=tokenizer,
        compute_metrics=accuracy,
    )
    trainer.train()
    model.save_pretrained(f"out/{name}")
