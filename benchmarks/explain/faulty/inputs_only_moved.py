from transformers import AutoModelForCausalLM, AutoTokenizer

tok = AutoTokenizer.from_pretrained("gpt2")
lm = AutoModelForCausalLM.from_pretrained("gpt2")
ids = tok.encode("Hello", return_tensors="pt").cuda()
out = lm.generate(ids, max_length=30)
print(tok.decode(out[0, ids.shape[1]:], skip_special_tokens=True))
