import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

base_id = "mistralai/Mistral-7B-v0.1"
base = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.bfloat16, device_map="auto")
model = PeftModel.from_pretrained(base, "./out/checkpoint-500")
pipe = pipeline("text-generation", model=base_id, device_map="auto")
print(pipe("Once upon a time", max_new_tokens=50)[0]["generated_text"])
