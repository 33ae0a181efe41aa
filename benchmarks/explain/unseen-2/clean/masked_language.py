from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForMaskedLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments

tokenizer = AutoTokenizer.from_pretrained("roberta-base")
model = AutoModelForMaskedLM.from_pretrained("roberta-base")
model = get_peft_model(model, LoraConfig(r=8, target_modules=["query", "value"]))
rows = load_dataset("text", data_files="corpus.txt", split="train")
rows = rows.map(lambda row: tokenizer(row["text"], truncation=True, max_length=256, padding="max_length"), batched=True)
Trainer(
    model=model,
    args=TrainingArguments("mlm", learning_rate=5e-4, num_train_epochs=3),
    train_dataset=rows,
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15),
).train()
model.save_pretrained("mlm/final")
