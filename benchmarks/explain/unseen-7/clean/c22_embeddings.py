import torch
import torch.nn.functional as F
from peft import PeftModel
from torch import nn
from transformers import AutoModel, AutoTokenizer


class Encoder(nn.Module):
    def __init__(self, name="BAAI/bge-base-en-v1.5", adapter=None):
        super().__init__()
        self.tokenizer = AutoTokenizer.from_pretrained(name)
        self.model = AutoModel.from_pretrained(name)
        if adapter is not None:
            self.model = PeftModel.from_pretrained(self.model, adapter)

    def forward(self, **kwargs):
        hidden = self.model(**kwargs).last_hidden_state
        mask = kwargs["attention_mask"].unsqueeze(-1)
        return F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)

    @torch.no_grad()
    def encode(self, texts, batch_size=32):
        self.eval()
        device = next(self.parameters()).device
        chunks = []
        for start in range(0, len(texts), batch_size):
            batch = self.tokenizer(texts[start : start + batch_size], padding=True, truncation=True, return_tensors="pt").to(device)
            chunks.append(self(**batch).cpu())
        return torch.cat(chunks)


encoder = Encoder(adapter="acme/bge-lora").to("cuda")
a, b = encoder.encode(["sort a list", "order items"])
print(float(a @ b))
