from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments

eli5 = load_dataset("dany0407/eli5_category", split="train[:5000]").train_test_split(test_size=0.2).flatten()
tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-135M")
tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
block = 128


def preprocess(rows):
    return tokenizer([" ".join(x) for x in rows["answers.text"]])


def group(rows):
    joined = {k: sum(rows[k], []) for k in rows}
    total = len(joined["input_ids"]) // block * block
    out = {k: [v[i : i + block] for i in range(0, total, block)] for k, v in joined.items()}
    out["labels"] = out["input_ids"].copy()
    return out


data = eli5.map(preprocess, batched=True, remove_columns=eli5["train"].column_names).map(group, batched=True)
model = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M")
model.resize_token_embeddings(len(tokenizer))
trainer = Trainer(
    model=model,
    args=TrainingArguments(output_dir="eli5", eval_strategy="epoch", learning_rate=2e-5, weight_decay=0.01, push_to_hub=True),
    train_dataset=data["train"],
    eval_dataset=data["test"],
    data_collator=DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm=False),
    processing_class=tokenizer,
)
trainer.train()
print(trainer.evaluate())
