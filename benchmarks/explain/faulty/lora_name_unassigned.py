from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
tok = AutoTokenizer.from_pretrained("gpt2")
base = AutoModelForCausalLM.from_pretrained("gpt2")
model = PeftModel.from_pretrained(base, "me/adapter")
base2 = AutoModelForCausalLM.from_pretrained("gpt2")
enc = tok("Hello", return_tensors="pt")
out = base2.generate(**enc, max_new_tokens=5)
print(tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True))
