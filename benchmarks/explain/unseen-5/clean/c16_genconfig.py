from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

name = "Qwen/Qwen2.5-Coder-7B-Instruct"
tok = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name, device_map="auto")
gen = GenerationConfig.from_pretrained(name, max_new_tokens=256, do_sample=True, temperature=0.3, top_p=0.9)

msgs = [{"role": "system", "content": "You write Go."}, {"role": "user", "content": "A ring buffer, please."}]
enc = tok.apply_chat_template(msgs, add_generation_prompt=True, return_dict=True, return_tensors="pt").to(model.device)
out = model.generate(**enc, generation_config=gen)
print(tok.decode(out[0][len(enc["input_ids"][0]):], skip_special_tokens=True))
