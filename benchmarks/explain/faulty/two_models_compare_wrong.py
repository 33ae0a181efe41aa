from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
tok = AutoTokenizer.from_pretrained("gpt2")
base = AutoModelForCausalLM.from_pretrained("gpt2")
model = PeftModel.from_pretrained(base, "me/a")
enc = tok("Hello", return_tensors="pt")
a = base.generate(**enc, max_new_tokens=5)
b = model.generate(**enc, max_new_tokens=5)
print(a, b)
