import torch
from peft import IA3Config, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("bigscience/bloom-560m")
model = AutoModelForCausalLM.from_pretrained("bigscience/bloom-560m")
model = get_peft_model(model, IA3Config(task_type="CAUSAL_LM"))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
texts = open("texts.txt").read().split("\n\n")


def collate(batch):
    enc = tokenizer(batch, padding=True, truncation=True, max_length=256, return_tensors="pt")
    enc["labels"] = enc["input_ids"].clone()
    return enc


model.train()
for batch in DataLoader(texts, batch_size=8, shuffle=True, collate_fn=collate):
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("bloom-ia3")
