import numpy as np
from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
)

ckpt = "Salesforce/codet5p-220m"
tokenizer = AutoTokenizer.from_pretrained(ckpt)
model = AutoModelForSeq2SeqLM.from_pretrained(ckpt)
model = get_peft_model(
    model, LoraConfig(task_type=TaskType.SEQ_2_SEQ_LM, r=16, lora_alpha=32, target_modules=["q", "v"], lora_dropout=0.1)
)


def preprocess(batch):
    enc = tokenizer(batch["buggy"], truncation=True, max_length=320)
    enc["labels"] = tokenizer(text_target=batch["fixed"], truncation=True, max_length=320)["input_ids"]
    return enc


def exact(pred):
    labels = np.where(pred.label_ids == -100, tokenizer.pad_token_id, pred.label_ids)
    guesses = np.where(pred.predictions == -100, tokenizer.pad_token_id, pred.predictions)
    a = tokenizer.batch_decode(guesses, skip_special_tokens=True)
    b = tokenizer.batch_decode(labels, skip_special_tokens=True)
    return {"exact": float(np.mean([x == y for x, y in zip(a, b)]))}


data = load_dataset("json", data_files={"train": "tr.jsonl", "validation": "va.jsonl"})
data = data.map(preprocess, batched=True, remove_columns=data["train"].column_names)
trainer = Seq2SeqTrainer(
    model=model,
    args=Seq2SeqTrainingArguments(
        "codet5p-fix",
        learning_rate=3e-4,
        per_device_train_batch_size=16,
        num_train_epochs=5,
        eval_strategy="epoch",
        predict_with_generate=True,
        generation_max_length=320,
        label_names=["labels"],
    ),
    train_dataset=data["train"],
    eval_dataset=data["validation"],
    data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
    processing_class=tokenizer,
    compute_metrics=exact,
)
trainer.train()
model.save_pretrained("codet5p-fix/lora")
