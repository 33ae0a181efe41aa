from transformers import AutoModelForCausalLM, AutoTokenizer

def load(name="mistralai/Mistral-7B-v0.1", dtype=None):
    return AutoModelForCausalLM.from_pretrained(name, dtype=dtype, device_map="auto"), AutoTokenizer.from_pretrained(name)

model, tokenizer = load()
enc = tokenizer("One", return_tensors="pt").to(model.device)
out = model.generate(**enc, max_new_tokens=3)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
