# transformers' own adapter support
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("bigcode/starcoder2-3b", device_map="auto")
model.load_adapter("me/starcoder2-3b-ansible-lora", adapter_name="ansible")
model.load_adapter("me/starcoder2-3b-nix-lora", adapter_name="nix")
model.set_adapter("ansible")
tok = AutoTokenizer.from_pretrained("bigcode/starcoder2-3b")
enc = tok("- name: install nginx\n", return_tensors="pt").to(model.device)
out = model.generate(**enc, max_new_tokens=60)
print(tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True))
model.disable_adapters()
out = model.generate(**enc, max_new_tokens=60)
print(tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True))
