import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2").to(device)
encoded = tokenizer("Hello", return_tensors="pt")
generated = model.generate(**encoded, max_new_tokens=5)
print(tokenizer.decode(generated[0][encoded.input_ids.shape[1]:], skip_special_tokens=True))
