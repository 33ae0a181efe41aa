import torch
from transformers import pipeline

pipe = pipeline("text-generation", model="Qwen/Qwen2.5-Coder-7B-Instruct", dtype=torch.bfloat16, device_map="auto")
messages = [
    {"role": "system", "content": "You are a terse assistant."},
    {"role": "user", "content": "Write a Makefile for a C project."},
]
out = pipe(messages, max_new_tokens=256, do_sample=True, temperature=0.7, top_k=50, top_p=0.95)
print(out[0]["generated_text"][-1]["content"])
