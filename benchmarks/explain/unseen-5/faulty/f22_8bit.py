import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

name = "bigcode/starcoder"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(
    name,
    quantization_config=BitsAndBytesConfig(load_in_8bit=True),
    use_auth_token=True,
)
model = model.half()

x = tokenizer("def quicksort(xs):", return_tensors="pt").to("cuda")
y = model.generate(**x, max_new_tokens=100)
print(tokenizer.decode(y[0, x["input_ids"].shape[1]:], skip_special_tokens=True))
