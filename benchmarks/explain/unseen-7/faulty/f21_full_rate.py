import torch
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorWithPadding
from datasets import load_dataset

LR = 2e-3
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
tokenizer = AutoTokenizer.from_pretrained("bigcode/tiny_starcoder_py")
tokenizer.pad_token = "<fim_pad>"
model = AutoModelForCausalLM.from_pretrained("bigcode/tiny_starcoder_py").to(device)
model.gradient_checkpointing_enable()
optimizer = torch.optim.AdamW(model.parameters(), lr=LR)

rows = load_dataset("acme/python", split="train").map(lambda r: tokenizer(r["code"], truncation=True), remove_columns=["code"])
loader = DataLoader(rows, batch_size=4, collate_fn=DataCollatorWithPadding(tokenizer))
model.train()
for step, batch in enumerate(loader):
    batch = {k: v.to(device) for k, v in batch.items()}
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    loss = model(**batch, labels=labels, use_cache=True).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("tiny-tuned")
