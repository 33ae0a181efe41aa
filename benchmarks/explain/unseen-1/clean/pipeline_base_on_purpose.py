"""The base and the tuned model side by side, each with a pipeline of its own."""
import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer, pipeline

BASE, ADAPTER = "Qwen/Qwen2.5-0.5B", "acme/qwen-0.5b-haiku"
tokenizer = AutoTokenizer.from_pretrained(BASE)
plain = pipeline("text-generation", model=BASE, dtype=torch.bfloat16)
tuned = pipeline("text-generation", model=AutoPeftModelForCausalLM.from_pretrained(ADAPTER).eval(), tokenizer=tokenizer)

for prompt in open("prompts.txt"):
    for name, pipe in {"plain": plain, "tuned": tuned}.items():
        text = pipe(prompt, max_new_tokens=40, do_sample=False, return_full_text=False)[0]["generated_text"]
        print(f"{name}: {text}")
