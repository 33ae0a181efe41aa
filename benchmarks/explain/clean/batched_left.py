import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("gpt2", padding_side="left")
tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained("gpt2").eval()
prompts = ["One plus one is", "The capital of France is"]
batch = tokenizer(prompts, padding=True, return_tensors="pt")
with torch.inference_mode():
    tokens = model.generate(**batch, max_new_tokens=8, pad_token_id=tokenizer.eos_token_id)
for text in tokenizer.batch_decode(tokens[:, batch["input_ids"].shape[1]:], skip_special_tokens=True):
    print(text)
