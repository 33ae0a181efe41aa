import torch
from peft import PrefixTuningConfig, TaskType, get_peft_model
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, default_data_collator, get_linear_schedule_with_warmup

device = "cuda" if torch.cuda.is_available() else "cpu"
name = "t5-base"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForSeq2SeqLM.from_pretrained(name)
model = get_peft_model(model, PrefixTuningConfig(task_type=TaskType.SEQ_2_SEQ_LM, num_virtual_tokens=20))
model = model.to(device)


def preprocess(rows):
    enc = tokenizer(rows["sentence"], max_length=128, padding="max_length", truncation=True)
    labels = tokenizer(rows["label_text"], max_length=2, padding="max_length", truncation=True, return_tensors="pt")["input_ids"]
    labels[labels == tokenizer.pad_token_id] = -100
    enc["labels"] = labels
    return enc


def run(dataset, epochs=5, lr=1e-2):
    loader = DataLoader(dataset.map(preprocess, batched=True), shuffle=True, collate_fn=default_data_collator, batch_size=8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, len(loader) * epochs)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for batch in tqdm(loader):
            batch = {k: v.to(device) for k, v in batch.items()}
            loss = model(**batch).loss
            total += loss.detach().float()
            loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        print(epoch, total / len(loader))
    model.save_pretrained("t5-prefix")
