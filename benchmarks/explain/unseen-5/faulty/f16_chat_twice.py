from transformers import AutoModelForCausalLM, AutoTokenizer

name = "codellama/CodeLlama-7b-Instruct-hf"
tok = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name, device_map="auto")

chat = [{"role": "user", "content": "Explain Python decorators with a short example."}]
prompt = tok.apply_chat_template(chat, tokenize=False)
inputs = tok(prompt, return_tensors="pt").to(model.device)
out = model.generate(**inputs, max_new_tokens=300)
print(tok.decode(out[0]))
