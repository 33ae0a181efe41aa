from transformers import AutoModel, AutoTokenizer
import torch

tok = AutoTokenizer.from_pretrained("microsoft/codebert-base")
model = AutoModel.from_pretrained("microsoft/codebert-base").eval()
batch = tok(["def add(a,b): return a+b", "x = 1"], padding=True, truncation=True, return_tensors="pt")
with torch.no_grad():
    h = model(**batch).last_hidden_state
mask = batch["attention_mask"].unsqueeze(-1)
emb = (h * mask).sum(1) / mask.sum(1)
print(torch.nn.functional.cosine_similarity(emb[0], emb[1], dim=0))
