from transformers import pipeline, AutoTokenizer

tok = AutoTokenizer.from_pretrained("Salesforce/codet5p-220m")
enc = tok("def is_even(n):", return_tensors="tf")
print(enc["input_ids"].shape)

fix = pipeline("text2text-generation", model="Salesforce/codet5p-220m")
print(fix("def is_odd(n): return n % 2 = 1", max_new_tokens=32)[0]["generated_text"])
