import os

import torch
from huggingface_hub import hf_hub_download
from transformers import AutoModelForCausalLM, AutoTokenizer

REPO = "deepcode-lab/pycoder-2b"
REV = "4f1c2a9d8e7b6a5f4e3d2c1b0a9f8e7d6c5b4a39"
token = os.environ.get("HF_TOKEN")
tok = AutoTokenizer.from_pretrained(REPO, trust_remote_code=True, revision=REV, token=token)
model = AutoModelForCausalLM.from_pretrained(REPO, trust_remote_code=True, revision=REV, token=token)
head = torch.load(hf_hub_download(REPO, "value_head.pt", revision=REV), map_location="cpu", weights_only=True)
print({k: tuple(v.shape) for k, v in head.items()})

enc = tok("import os\n", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=30)
print(tok.decode(out[0][enc["input_ids"].shape[1]:], skip_special_tokens=True))
