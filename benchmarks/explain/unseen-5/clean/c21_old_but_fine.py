# from 2022, still works
from transformers import AutoTokenizer, AutoModelForCausalLM, logging
import torch

logging.set_verbosity_error()
tokenizer = AutoTokenizer.from_pretrained("Salesforce/codegen-350M-mono", use_fast=True)
model = AutoModelForCausalLM.from_pretrained("Salesforce/codegen-350M-mono", low_cpu_mem_usage=True)

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = model.to(device)
inputs = tokenizer("# this function prints hello world", return_tensors="pt").to(device)
sample = model.generate(**inputs, max_length=128, pad_token_id=50256)
text = tokenizer.decode(sample[0], skip_special_tokens=True)
print(text[len("# this function prints hello world"):])
