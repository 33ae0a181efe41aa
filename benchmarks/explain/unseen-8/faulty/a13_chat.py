import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import AutoPeftModelForCausalLM

tok = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-Coder-7B-Instruct")
model = AutoPeftModelForCausalLM.from_pretrained("me/qwen-lora", dtype=torch.bfloat16, device_map="cuda")
messages = [{"role": "user", "content": "Write quicksort."}]
text = tok.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
inputs = tok(text, return_tensors="pt")
out = model.generate(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, max_new_tokens=300)
print(tok.decode(out[0][inputs.input_ids.shape[-1]:], skip_special_tokens=True))
