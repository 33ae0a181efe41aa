from transformers import AutoModelForCausalLM, AutoTokenizer

checkpoint = "bigcode/starcoder2-3b"
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
model = AutoModelForCausalLM.from_pretrained(checkpoint, device_map="auto")
text = "<fim_prefix>def area(r):\n    return <fim_suffix>\n<fim_middle>"
inputs = tokenizer(text, return_tensors="pt").to(model.device)
outputs = model.generate(**inputs, max_new_tokens=32)
whole = tokenizer.decode(outputs[0])
print(whole.split("<fim_middle>")[-1].split("<|endoftext|>")[0])
