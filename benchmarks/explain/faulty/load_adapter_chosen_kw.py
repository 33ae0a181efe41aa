from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
tok = AutoTokenizer.from_pretrained("gpt2")
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("gpt2"), "me/one", adapter_name="one")
model.load_adapter("me/two", "two")
enc = tok("Hello", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=5)
print(tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True))
