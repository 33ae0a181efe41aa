import evaluate
import numpy as np
from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments
model = AutoModelForSequenceClassification.from_pretrained("roberta-base", num_labels=2)
tok = AutoTokenizer.from_pretrained("roberta-base")
model = get_peft_model(model, LoraConfig(task_type=TaskType.SEQ_CLS, r=8, target_modules=["query", "value"]))
ds = load_dataset("glue", "mrpc").map(lambda r: tok(r["sentence1"], r["sentence2"], truncation=True), batched=True)
metric = evaluate.load("glue", "mrpc")
def compute(p):
    return metric.compute(predictions=np.argmax(p.predictions, axis=1), references=p.label_ids)
t = Trainer(model=model, args=TrainingArguments("o", learning_rate=1e-3, eval_strategy="epoch", save_strategy="epoch", load_best_model_at_end=True), train_dataset=ds["train"], eval_dataset=ds["validation"], processing_class=tok, data_collator=DataCollatorWithPadding(tok), compute_metrics=compute)
t.train()
model.save_pretrained("o/best")
