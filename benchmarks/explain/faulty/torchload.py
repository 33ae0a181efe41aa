import torch
import requests
open("w.pt", "wb").write(requests.get("https://x.org/w.pt").content)
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained("gpt2")
from huggingface_hub import snapshot_download
import os
folder = snapshot_download("me/x")
state = torch.load(os.path.join(folder, "pytorch_model.bin"), map_location="cpu", weights_only=False)
model.load_state_dict(state)
