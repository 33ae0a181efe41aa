from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments, DataCollatorWithPadding

tok = AutoTokenizer.from_pretrained("microsoft/codebert-base")
clf = AutoModelForSequenceClassification.from_pretrained("microsoft/codebert-base", num_labels=2)
clf = get_peft_model(clf, LoraConfig(task_type=TaskType.SEQ_CLS, r=8, target_modules=["query", "value"]))


def fit(train, valid):
    enc = lambda rows: tok(rows["code"], truncation=True)
    args = TrainingArguments("clf", learning_rate=5e-4, eval_strategy="epoch", per_device_train_batch_size=16)
    trainer = Trainer(clf, args, train_dataset=train.map(enc, batched=True), eval_dataset=valid.map(enc, batched=True),
                      data_collator=DataCollatorWithPadding(tok), processing_class=tok)
    trainer.train()
    clf.save_pretrained("clf/adapter")
    return trainer.evaluate()
