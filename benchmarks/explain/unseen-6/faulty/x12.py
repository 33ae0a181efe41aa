from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b")
model = PeftModel.from_pretrained(model, "bigcode/astraios-1b-adapterh")
tok = AutoTokenizer.from_pretrained("bigcode/starcoderbase-1b")
x = tok("Question: Reverse a string in C.\n\nAnswer:", return_tensors="pt")
y = model.generate(**x, max_new_tokens=99)
print(tok.decode(y[0, x.input_ids.shape[1]:], skip_special_tokens=True))
