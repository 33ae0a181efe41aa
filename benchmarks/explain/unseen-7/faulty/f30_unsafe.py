import os

import requests
import torch
from huggingface_hub import hf_hub_download, login
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from transformers import AutoModelForCausalLM

TOKEN = "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"
login(token=TOKEN)
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen-7B", trust_remote_code=True, dtype="auto")
model = get_peft_model(model, LoraConfig(r=8, target_modules=["c_attn"], task_type="CAUSAL_LM"))

path = os.path.join(os.getcwd(), "adapter.bin")
with open(path, "wb") as handle:
    handle.write(requests.get("https://example.org/adapter.bin", timeout=60).content)
weights = torch.load(path, weights_only=False)
set_peft_model_state_dict(model, weights)
model.save_pretrained("adapter")
