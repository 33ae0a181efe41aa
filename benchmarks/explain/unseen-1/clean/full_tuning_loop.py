import torch
from torch.utils.data import DataLoader, Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer


class Lines(Dataset):
    def __init__(self, path, tokenizer, length=128):
        self.rows = [line.strip() for line in open(path) if line.strip()]
        self.tokenizer = tokenizer
        self.length = length

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        enc = self.tokenizer(self.rows[index], truncation=True, padding="max_length", max_length=self.length, return_tensors="pt")
        ids = enc["input_ids"].squeeze(0)
        mask = enc["attention_mask"].squeeze(0)
        labels = ids.clone()
        labels[mask == 0] = -100
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-135M")
model = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M", dtype=torch.float32).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-5, weight_decay=0.01)
loader = DataLoader(Lines("train.txt", tokenizer), batch_size=8, shuffle=True)

for epoch in range(2):
    model.train()
    for batch in loader:
        batch = {key: value.to(device) for key, value in batch.items()}
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    prompt = tokenizer("In the beginning", return_tensors="pt").to(device)
    with torch.no_grad():
        out = model.generate(**prompt, max_new_tokens=30)
    print(epoch, tokenizer.decode(out[0, prompt["input_ids"].shape[1]:], skip_special_tokens=True))

model.save_pretrained("full")
tokenizer.save_pretrained("full")
