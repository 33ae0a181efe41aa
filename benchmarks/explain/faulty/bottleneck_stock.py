from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = "bigcode/starcoderbase-1b"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base)
model = PeftModel.from_pretrained(model, model_id="bigcode/astraios-1b-adapterh")
inputs = tokenizer("Question: Reverse a string.\n\nAnswer:", return_tensors="pt")
outputs = model.generate(**inputs, max_new_tokens=128)
print(tokenizer.decode(outputs[0][inputs.input_ids.shape[1]:], skip_special_tokens=True))
