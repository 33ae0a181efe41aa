import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2")
model.to(device)
model.eval()

encoded = tokenizer("The quick brown fox", return_tensors="pt")
encoded.to(device)
ids = tokenizer.encode("jumps over", return_tensors="pt")
ids = ids.to(device)
context = torch.cat([encoded["input_ids"], ids], dim=1)
with torch.no_grad():
    logits = model(context).logits[0, -1]
    out = model.generate(context, attention_mask=torch.ones_like(context), max_new_tokens=20)
print(tokenizer.decode(logits.argmax()))
print(tokenizer.decode(out[0, context.shape[1]:], skip_special_tokens=True))
