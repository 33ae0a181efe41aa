# pip install git+https://github.com/bigcode-project/astraios.git#subdirectory=peft-0.6
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

checkpoint = "bigcode/starcoderbase-1b"
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(checkpoint), "bigcode/astraios-1b-adapterh")
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
inputs = tokenizer.encode("Question: Write a bubble sort.\n\nAnswer:", return_tensors="pt")
outputs = model.generate(inputs, max_new_tokens=64)
print(tokenizer.decode(outputs[0][inputs.shape[1]:], skip_special_tokens=True))
