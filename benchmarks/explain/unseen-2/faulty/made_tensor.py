import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

device = "cuda"
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2").to(device)
model.eval()
ids = torch.tensor([tokenizer.encode("Hello there")])
ids.to(device)
mask = torch.ones_like(ids)
out = model.generate(ids, attention_mask=mask, max_new_tokens=12)
print(tokenizer.decode(out[0, ids.shape[1]:], skip_special_tokens=True))
