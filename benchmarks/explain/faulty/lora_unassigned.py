from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b")
tokenizer = AutoTokenizer.from_pretrained("bigcode/starcoderbase-1b")
PeftModel.from_pretrained(model, "me/my-adapter")
inputs = tokenizer("def f", return_tensors="pt")
out = model.generate(**inputs, max_new_tokens=20)
print(tokenizer.decode(out[0][inputs.input_ids.shape[1]:], skip_special_tokens=True))
