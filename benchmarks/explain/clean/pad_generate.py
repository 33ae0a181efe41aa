from transformers import AutoModelForCausalLM, AutoTokenizer
tok = AutoTokenizer.from_pretrained("mistralai/Mistral-7B-Instruct-v0.3")
model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-Instruct-v0.3", device_map="auto", dtype="auto")
ids = tok.apply_chat_template([{"role": "user", "content": "x"}], return_tensors="pt", add_generation_prompt=True, return_dict=True).to(model.device)
out = model.generate(**ids, max_new_tokens=20, pad_token_id=tok.eos_token_id)
print(tok.decode(out[0][ids["input_ids"].shape[-1]:], skip_special_tokens=True))
