from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

path = "kaitchup/Qwen2-0.5B-lora"
tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2-0.5B")
model = AutoPeftModelForCausalLM.from_pretrained(path)
model.eval()

def complete(prompt, **kwargs):
    inputs = tokenizer(prompt, return_tensors="pt")
    generated = model.generate(**inputs, max_new_tokens=50, **kwargs)
    return tokenizer.batch_decode(generated, skip_special_tokens=True)[0]

for temperature in (0.2, 0.8):
    print(complete("The capital of Norway is", do_sample=True, temperature=temperature))
