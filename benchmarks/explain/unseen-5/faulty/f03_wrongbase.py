from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

base = "Qwen/Qwen2.5-Coder-1.5B-Instruct"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base, device_map="auto", dtype="auto")
model = PeftModel.from_pretrained(model, "hlrn/Qwen2.5-Coder-7B-Instruct-lora-rust")

messages = [{"role": "user", "content": "Write an LRU cache in Rust."}]
text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
enc = tokenizer(text, return_tensors="pt", add_special_tokens=False).to(model.device)
gen = model.generate(**enc, max_new_tokens=400)
print(tokenizer.decode(gen[0][enc.input_ids.shape[1]:]))
