from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "gpt2"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name)
inputs = tokenizer("Hello", return_tensors="pt")
before = model.generate(**inputs, max_new_tokens=10)
model = PeftModel.from_pretrained(model, "me/gpt2-lora")
after = model.generate(**inputs, max_new_tokens=10)
model = model.unload()
model = PeftModel.from_pretrained(model, "me/gpt2-lora-2")
last = model.generate(**inputs, max_new_tokens=10)
for tokens in (before, after, last):
    print(tokenizer.decode(tokens[0][inputs.input_ids.shape[1]:], skip_special_tokens=True))
