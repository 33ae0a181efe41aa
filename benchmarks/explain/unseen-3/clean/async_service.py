import asyncio
from functools import lru_cache

import torch
from fastapi import FastAPI
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

app = FastAPI()
NAME, ADAPTER = "Qwen/Qwen2.5-Coder-1.5B", "acme/qwen-coder-review"


@lru_cache(maxsize=1)
def loaded():
    tokenizer = AutoTokenizer.from_pretrained(NAME)
    model = AutoModelForCausalLM.from_pretrained(NAME, dtype=torch.bfloat16, device_map="auto")
    return tokenizer, PeftModel.from_pretrained(model, ADAPTER).eval()


def work(prompt, **options):
    tokenizer, model = loaded()
    enc = tokenizer(prompt, return_tensors="pt").to(model.device)
    with torch.inference_mode():
        out = model.generate(**enc, **{"max_new_tokens": 128, "do_sample": False, **options})
    return tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True)


@app.post("/review")
async def review(body: dict):
    return {"text": await asyncio.to_thread(work, body["code"], max_new_tokens=body.get("length", 64))}
