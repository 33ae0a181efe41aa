import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B-Instruct", dtype=torch.bfloat16, device_map="auto")
tok = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-7B-Instruct")
model = PeftModel.from_pretrained(base, "acme/en", adapter_name="en")
for language in ["de", "fr"]:
    model.load_adapter(f"acme/{language}", adapter_name=language)
model.eval()
prompt = tok.apply_chat_template([{"role": "user", "content": "Hallo!"}], tokenize=False, add_generation_prompt=True)
enc = tok(prompt, return_tensors="pt", add_special_tokens=False).to(model.device)
out = model.generate(**enc, max_new_tokens=50)
print(tok.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
