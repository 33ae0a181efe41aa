import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base_id = "codellama/CodeLlama-7b-hf"
tokenizer = AutoTokenizer.from_pretrained(base_id, padding_side="left")
tokenizer.pad_token = tokenizer.eos_token

model = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.bfloat16, device_map="auto")
model = PeftModel.from_pretrained(model, "acme/cl7b-lora-py", adapter_name="py")
model.load_adapter("acme/cl7b-lora-ts", adapter_name="ts")
model.eval()

jobs = [("py", "def area(r):"), ("ts", "function area(r: number)"), ("__base__", "area <- function(r)")]
batch = tokenizer([p for _, p in jobs], padding=True, return_tensors="pt").to(model.device)
with torch.inference_mode():
    ids = model.generate(**batch, adapter_names=[n for n, _ in jobs], max_new_tokens=64)
for (n, p), t in zip(jobs, tokenizer.batch_decode(ids[:, batch.input_ids.shape[1]:], skip_special_tokens=True)):
    print(f"--- {n}\n{p}{t}")
