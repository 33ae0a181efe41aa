import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

base_id = "bigcode/starcoder2-3b"
tok = AutoTokenizer.from_pretrained(base_id)
model = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.bfloat16)
model = PeftModel.from_pretrained(model, "starcoder2-3b-helm-lora").merge_and_unload()

gen = pipeline("text-generation", model=model, tokenizer=tok, device=0)
print(gen("apiVersion: v2\nname:", max_new_tokens=48, return_full_text=False)[0]["generated_text"])
