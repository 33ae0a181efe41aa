import json

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tok = AutoTokenizer.from_pretrained("meta-llama/Llama-2-7b-hf")
base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf", dtype=torch.float16, device_map="auto")
tuned = PeftModel.from_pretrained(base, "me/llama2-lora")


def answer(model, question):
    enc = tok(question, return_tensors="pt").to(model.device)
    out = model.generate(**enc, max_new_tokens=128, do_sample=False)
    return tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True)


with open("questions.json") as f:
    questions = json.load(f)
rows = [{"q": q, "base": answer(base, q), "tuned": answer(tuned, q)} for q in questions]
print(sum(r["base"] != r["tuned"] for r in rows))
