import os

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "/models/qwen2.5-coder"
tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32, attn_implementation="sdpa")
model = PeftModel.from_pretrained(model, "/models/adapters/tests")
model.eval()
prompt = "def test_add():\n"
enc = tokenizer(prompt, return_tensors="pt")
out = model.generate(**enc, max_new_tokens=80, do_sample=False, eos_token_id=tokenizer.eos_token_id)
text = tokenizer.decode(out[0], skip_special_tokens=True)
print(text[len(prompt):])
