import torch
from transformers import AutoTokenizer, AutoModelForCausalLM

device = torch.device("cuda:0")
tokenizer = AutoTokenizer.from_pretrained("bigcode/tiny_starcoder_py")
model = AutoModelForCausalLM.from_pretrained("bigcode/tiny_starcoder_py").to(device)

ids = tokenizer("def fizzbuzz(n):", return_tensors="pt").input_ids
ids.to(device)
result = model.generate(ids, max_new_tokens=50)
print(tokenizer.decode(result[0][ids.shape[1]:], skip_special_tokens=True))
