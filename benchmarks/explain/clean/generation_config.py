from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2")
config = GenerationConfig(max_new_tokens=40, do_sample=True, top_k=20, pad_token_id=tokenizer.eos_token_id)
inputs = tokenizer("It was", return_tensors="pt")
out = model.generate(**inputs, generation_config=config)
print(tokenizer.decode(out[0][inputs["input_ids"].shape[-1]:], skip_special_tokens=True))
