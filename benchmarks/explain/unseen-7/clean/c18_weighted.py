import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T", dtype="auto", device_map="auto")
tokenizer = AutoTokenizer.from_pretrained("acme/tinyllama_lora_norobots")
base.resize_token_embeddings(len(tokenizer))
model = PeftModel.from_pretrained(base, "acme/tinyllama_lora_norobots", adapter_name="norobots")
_ = model.load_adapter("acme/tinyllama_lora_sql", adapter_name="sql")
model.add_weighted_adapter(["norobots", "sql"], [2.0, 0.3], adapter_name="merge", combination_type="dare_ties", density=0.2)
model.set_adapter("merge")
messages = [{"role": "user", "content": "Write an essay about generative AI."}]
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt").to(model.device)
with torch.no_grad():
    out = model.generate(**inputs, max_new_tokens=256, do_sample=True, top_p=0.95)
print(tokenizer.decode(out[0][inputs["input_ids"].shape[1] :], skip_special_tokens=True))
