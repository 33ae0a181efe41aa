import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

model_path = "codellama/CodeLlama-13b-hf"
peft_path = "acme/codellama-13b-sql"

tokenizer = AutoTokenizer.from_pretrained(model_path)
model = AutoModelForCausalLM.from_pretrained(model_path, torch_dtype=torch.float32, low_cpu_mem_usage=True)
model = PeftModel.from_pretrained(model, peft_path)
model.eval()

enc = tokenizer("-- list all customers\nSELECT", return_tensors="pt")
with torch.inference_mode():
    out = model.generate(**enc, max_new_tokens=64, do_sample=False)
print(tokenizer.decode(out[0][enc["input_ids"].shape[1]:], skip_special_tokens=True))
