"""LoRA on mT0, by hand."""
import torch
from datasets import load_dataset
from peft import LoraConfig, PeftConfig, PeftModel, TaskType, get_peft_model
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, default_data_collator, get_linear_schedule_with_warmup

device = "cuda"
checkpoint = "bigscience/mt0-small"
max_length, lr, epochs, batch_size = 128, 1e-3, 3, 8

peft_config = LoraConfig(task_type=TaskType.SEQ_2_SEQ_LM, inference_mode=False, r=8, lora_alpha=32, lora_dropout=0.1)
model = get_peft_model(AutoModelForSeq2SeqLM.from_pretrained(checkpoint), peft_config)
model.print_trainable_parameters()

dataset = load_dataset("takala/financial_phrasebank", "sentences_allagree")["train"].train_test_split(test_size=0.1)
classes = dataset["train"].features["label"].names
dataset = dataset.map(lambda x: {"text_label": [classes[i] for i in x["label"]]}, batched=True)
tokenizer = AutoTokenizer.from_pretrained(checkpoint)


def preprocess(rows):
    inputs = tokenizer(rows["sentence"], max_length=max_length, padding="max_length", truncation=True, return_tensors="pt")
    labels = tokenizer(rows["text_label"], max_length=3, padding="max_length", truncation=True, return_tensors="pt")["input_ids"]
    labels[labels == tokenizer.pad_token_id] = -100
    inputs["labels"] = labels
    return inputs


sets = dataset.map(preprocess, batched=True, remove_columns=dataset["train"].column_names)
train = DataLoader(sets["train"], shuffle=True, collate_fn=default_data_collator, batch_size=batch_size)
test = DataLoader(sets["test"], collate_fn=default_data_collator, batch_size=batch_size)
optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
scheduler = get_linear_schedule_with_warmup(optimizer=optimizer, num_warmup_steps=0, num_training_steps=len(train) * epochs)

model = model.to(device)
for epoch in range(epochs):
    model.train()
    total = 0
    for batch in tqdm(train):
        batch = {k: v.to(device) for k, v in batch.items()}
        loss = model(**batch).loss
        total += loss.detach().float()
        loss.backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    model.eval()
    eval_loss = 0
    for batch in tqdm(test):
        batch = {k: v.to(device) for k, v in batch.items()}
        with torch.no_grad():
            eval_loss += model(**batch).loss.detach().float()
    print(epoch, total / len(train), eval_loss / len(test))

model.save_pretrained("mt0-lora")
config = PeftConfig.from_pretrained("mt0-lora")
again = AutoModelForSeq2SeqLM.from_pretrained(config.base_model_name_or_path)
again = PeftModel.from_pretrained(again, "mt0-lora")
again.eval()
inputs = tokenizer(dataset["test"]["sentence"][0], return_tensors="pt")
with torch.no_grad():
    print(tokenizer.batch_decode(again.generate(input_ids=inputs["input_ids"], max_new_tokens=10), skip_special_tokens=True))
