import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

base = "meta-llama/Llama-3.2-1B"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base, device_map="auto")
model = PeftModel.from_pretrained(model, "acme/llama-3.2-1b-style", adapter_name="style")
model.load_adapter("acme/llama-3.2-1b-tests", adapter_name="tests")
with torch.inference_mode():
    enc = tokenizer("Write tests for parse_date", return_tensors="pt").to(model.device)
    out = model.generate(**enc, max_new_tokens=120)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1] :], skip_special_tokens=True))
