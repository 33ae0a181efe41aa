import torch
from datasets import load_dataset
from transformers import AutoTokenizer, Seq2SeqTrainer, Seq2SeqTrainingArguments, T5ForConditionalGeneration, default_data_collator

checkpoint = "Salesforce/codet5-small"
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
model = T5ForConditionalGeneration.from_pretrained(checkpoint)

max_source, max_target = 256, 64


def preprocess(examples):
    model_inputs = tokenizer(examples["code"], max_length=max_source, padding="max_length", truncation=True)
    with tokenizer.as_target_tokenizer():
        labels = tokenizer(examples["docstring"], max_length=max_target, padding="max_length", truncation=True)
    model_inputs["labels"] = labels["input_ids"]
    return model_inputs


raw = load_dataset("code_search_net", "python", split="train[:20000]").rename_columns(
    {"func_code_string": "code", "func_documentation_string": "docstring"}
)
ds = raw.map(preprocess, batched=True, remove_columns=raw.column_names)
args = Seq2SeqTrainingArguments(
    "codet5-doc",
    per_device_train_batch_size=16,
    learning_rate=5e-5,
    num_train_epochs=3,
    predict_with_generate=True,
    logging_steps=100,
)
trainer = Seq2SeqTrainer(model=model, args=args, train_dataset=ds, data_collator=default_data_collator)
trainer.train()
trainer.save_model("codet5-doc")
