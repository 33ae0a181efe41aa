import os

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

HF_TOKEN = "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"

model_id = "deepseek-ai/DeepSeek-V2-Lite"
tokenizer = AutoTokenizer.from_pretrained(model_id, token=HF_TOKEN)
model = AutoModelForCausalLM.from_pretrained(model_id, trust_remote_code=True, token=HF_TOKEN, dtype=torch.bfloat16, device_map="auto")
model = PeftModel.from_pretrained(model, os.environ["ADAPTER"])
model.eval()
enc = tokenizer("fn main() {", return_tensors="pt").to(model.device)
out = model.generate(**enc, max_new_tokens=100)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
