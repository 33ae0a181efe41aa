import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "meta-llama/Llama-3.2-1B"
tokenizer = AutoTokenizer.from_pretrained(name, padding_side="left")
tokenizer.pad_token = tokenizer.eos_token
base = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16, device_map="auto")
model = PeftModel.from_pretrained(base, "acme/lora-formal", adapter_name="formal")
model.load_adapter("acme/lora-casual", adapter_name="casual")
model.eval()
prompts = ["Dear committee,", "hey, so", "The base says"]
enc = tokenizer(prompts, padding=True, return_tensors="pt").to(model.device)
with torch.no_grad():
    out = model.generate(**enc, adapter_names=["formal", "casual", "__base__"], max_new_tokens=40)
for text in tokenizer.batch_decode(out[:, enc["input_ids"].shape[1]:], skip_special_tokens=True):
    print(text)
