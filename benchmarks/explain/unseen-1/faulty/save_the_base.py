import torch
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer

name = "distilbert-base-uncased"
tok = AutoTokenizer.from_pretrained(name)
clf = AutoModelForSequenceClassification.from_pretrained(name, num_labels=2)
peft_model = get_peft_model(clf, LoraConfig(task_type="SEQ_CLS", r=8, target_modules=["q_lin", "v_lin"]))
opt = torch.optim.AdamW(peft_model.parameters(), lr=5e-4)


def collate(rows):
    enc = tok([r["text"] for r in rows], truncation=True, padding=True, return_tensors="pt")
    enc["labels"] = torch.tensor([r["label"] for r in rows])
    return enc


def fit(rows):
    peft_model.train()
    for batch in DataLoader(rows, batch_size=16, shuffle=True, collate_fn=collate):
        loss = peft_model(**batch).loss
        loss.backward()
        opt.step()
        opt.zero_grad()


fit([{"text": "fine", "label": 1}, {"text": "awful", "label": 0}])
clf.save_pretrained("classifier")
tok.save_pretrained("classifier")
