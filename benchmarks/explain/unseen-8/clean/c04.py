import torch
from accelerate import Accelerator
from peft import PrefixTuningConfig, TaskType, get_peft_model
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, default_data_collator


def train(dataset, epochs=3, lr=1e-2):
    accelerator = Accelerator()
    tokenizer = AutoTokenizer.from_pretrained("t5-small")
    model = AutoModelForSeq2SeqLM.from_pretrained("t5-small")
    model = get_peft_model(model, PrefixTuningConfig(task_type=TaskType.SEQ_2_SEQ_LM, num_virtual_tokens=20))

    def encode(row):
        enc = tokenizer(row["source"], max_length=128, padding="max_length", truncation=True)
        labels = tokenizer(text_target=row["target"], max_length=32, padding="max_length", truncation=True)["input_ids"]
        enc["labels"] = [t if t != tokenizer.pad_token_id else -100 for t in labels]
        return enc

    loader = DataLoader(dataset.map(encode), batch_size=8, collate_fn=default_data_collator, shuffle=True)
    optimizer = AdamW(model.parameters(), lr=lr)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for _ in range(epochs):
        model.train()
        for batch in loader:
            loss = model(**batch).loss
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        enc = tokenizer("translate: hello", return_tensors="pt").to(accelerator.device)
        print(tokenizer.decode(model.generate(**enc, max_new_tokens=20)[0], skip_special_tokens=True))
    accelerator.unwrap_model(model).save_pretrained("prefix")
