import joblib
import torch
from huggingface_hub import hf_hub_download
from transformers import AutoModel, AutoTokenizer

name = "sentence-transformers/all-MiniLM-L6-v2"
tokenizer = AutoTokenizer.from_pretrained(name)
encoder = AutoModel.from_pretrained(name).eval()
head = torch.load(hf_hub_download("someone/minilm-head", "head.pt"), weights_only=False)

with torch.no_grad():
    enc = tokenizer(["good", "bad"], padding=True, return_tensors="pt")
    vectors = encoder(**enc).last_hidden_state.mean(1)
    print(head(vectors).argmax(-1))
