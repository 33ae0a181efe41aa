from transformers import AutoTokenizer, AutoModelForCausalLM

checkpoint = "bigcode/tiny_starcoder_py"
device = "cpu"  # or "cuda"
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
model = AutoModelForCausalLM.from_pretrained(checkpoint).to(device)

ids = tokenizer.encode("def print_hello_world():", return_tensors="pt").to(device)
out = model.generate(ids, max_new_tokens=24, pad_token_id=tokenizer.eos_token_id)
print(tokenizer.decode(out[0, ids.shape[1]:], skip_special_tokens=True))
