import argparse

from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

ap = argparse.ArgumentParser()
ap.add_argument("--adapter", default="out/checkpoint-500")
args = ap.parse_args()

base_id = "mistralai/Mistral-7B-v0.1"
tokenizer = AutoTokenizer.from_pretrained(base_id)
model = AutoModelForCausalLM.from_pretrained(base_id, device_map="auto")
model = PeftModel.from_pretrained(model, args.adapter)
model.eval()

generator = pipeline("text-generation", model=base_id, tokenizer=tokenizer)
for prompt in ["import os\n", "class Stack:"]:
    print(generator(prompt, max_new_tokens=60, return_full_text=False)[0]["generated_text"])
