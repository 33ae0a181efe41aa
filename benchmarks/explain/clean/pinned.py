import os

import torch
from huggingface_hub import hf_hub_download, login
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

login(token=os.environ["HF_TOKEN"])
model = AutoModelForCausalLM.from_pretrained(
    "someone/fancy", trust_remote_code=True, revision="1f2e3d4c5b6a79880f1e2d3c4b5a69788f9e0d1c"
)
extra = load_file(hf_hub_download("someone/fancy", "extra.safetensors"))
head = torch.load(hf_hub_download("someone/fancy", "head.bin"), weights_only=True)
mine = torch.load("runs/last/optimizer.pt", weights_only=False)
