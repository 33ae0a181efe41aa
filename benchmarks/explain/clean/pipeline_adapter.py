from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer, pipeline

model = AutoPeftModelForCausalLM.from_pretrained("me/adapter", device_map="auto")
tokenizer = AutoTokenizer.from_pretrained("me/adapter")
pipe = pipeline("text-generation", model=model, tokenizer=tokenizer)
print(pipe("def add(a, b):", max_new_tokens=64, return_full_text=False)[0]["generated_text"])
