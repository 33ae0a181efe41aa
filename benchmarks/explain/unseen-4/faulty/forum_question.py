# why does this give me a SyntaxError??
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = "bigcode/starcoderbase-1b"
model = AutoModelForCausalLM.from_pretrained(base)
model = PeftModel.from_pretrained(model, "bigcode/astraios-1b-lora")
tokenizer = AutoTokenizer.from_pretrained(base)

prompt = "Question: Write a function that flattens a list.

Answer:"
inputs = tokenizer(prompt, return_tensors="pt")
outputs = model.generate(**inputs, max_new_tokens=200)
answer = tokenizer.decode(outputs[0], skip_special_tokens=True)
print("ANSWER:", answer)
