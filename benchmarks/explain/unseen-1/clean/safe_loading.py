import os

import torch
from huggingface_hub import hf_hub_download, login
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

login(token=os.environ["HF_TOKEN"])
REVISION = "4c6a0bd7ad0c0a0bd6a8a3cdbb1f1b5f3e2d7a10"
name = "acme/custom-code-model"
tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=True, revision=REVISION)
model = AutoModelForCausalLM.from_pretrained(name, trust_remote_code=True, revision=REVISION, dtype=torch.bfloat16)
bias = load_file(hf_hub_download("acme/extra", "bias.safetensors"))
more = torch.load(hf_hub_download("acme/extra", "more.pt"), weights_only=True)
model = PeftModel.from_pretrained(model, "acme/custom-lora")
model.eval()
enc = tokenizer("x =", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=10)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True), len(bias), len(more))
