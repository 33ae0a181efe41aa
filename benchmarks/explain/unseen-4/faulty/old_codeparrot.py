import torch
from torch.utils.data import DataLoader, Dataset
from transformers import AdamW, AutoModelForCausalLM, AutoTokenizer, get_linear_schedule_with_warmup, pipeline


class Snippets(Dataset):
    def __init__(self, texts, tokenizer):
        self.rows = [
            tokenizer.encode_plus(t, max_length=256, truncation=True, padding="max_length", return_tensors="pt")
            for t in texts
        ]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        row = {k: v[0] for k, v in self.rows[i].items()}
        row["labels"] = row["input_ids"].masked_fill(row["attention_mask"] == 0, -100)
        return row


tokenizer = AutoTokenizer.from_pretrained("codeparrot/codeparrot-small")
tokenizer.add_special_tokens({"pad_token": "[PAD]"})
model = AutoModelForCausalLM.from_pretrained("codeparrot/codeparrot-small")
model.resize_token_embeddings(len(tokenizer))

loader = DataLoader(Snippets(open("snips.txt").read().split("\0"), tokenizer), batch_size=4, shuffle=True)
optimizer = AdamW(model.parameters(), lr=5e-5)
scheduler = get_linear_schedule_with_warmup(optimizer, 100, len(loader))
model.train()
for batch in loader:
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad()
model.save_pretrained("codeparrot-snips")
tokenizer.save_pretrained("codeparrot-snips")

# second model, writes a summary of what it learned
summarise = pipeline("summarization", model="Salesforce/codet5-base-multi-sum")
print(summarise(open("snips.txt").read()[:400], max_length=40))
