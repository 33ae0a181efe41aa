from transformers import AutoModelForCausalLM, AutoTokenizer

tok = AutoTokenizer.from_pretrained("gpt2", padding_side="left")
tok.pad_token = tok.eos_token
model = AutoModelForCausalLM.from_pretrained("gpt2")
prompts = ["Hello, I am", "The weather in Rome today"]
enc = tok(prompts, return_tensors="pt", padding=True)
out = model.generate(enc["input_ids"], max_new_tokens=20)
print(tok.batch_decode(out[:, enc["input_ids"].shape[1]:], skip_special_tokens=True))
