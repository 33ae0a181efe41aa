import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-Coder-7B")
large = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-Coder-7B", dtype=torch.bfloat16, device_map="auto")
draft = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-Coder-0.5B", dtype=torch.bfloat16, device_map="auto")
large = PeftModel.from_pretrained(large, "acme/qwen-coder-7b-tests").eval()
enc = tokenizer("def test_", return_tensors="pt").to(large.device)
out = large.generate(**enc, assistant_model=draft, max_new_tokens=100, do_sample=False)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
