import asyncio
import logging

import torch
from fastapi import FastAPI
from peft import AutoPeftModelForCausalLM
from pydantic import BaseModel
from transformers import AutoTokenizer

log = logging.getLogger("serve")
app = FastAPI()
STATE = {}


class Request(BaseModel):
    prompt: str
    max_new_tokens: int = 128


@app.on_event("startup")
def startup():
    model = AutoPeftModelForCausalLM.from_pretrained("acme/qwen-coder-lora", dtype=torch.bfloat16)
    STATE["model"] = model.to("cuda").eval()
    STATE["tokenizer"] = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-Coder-1.5B")
    log.info("ready")


def tokenize(text):
    ids = STATE["tokenizer"].encode(text, return_tensors="pt")
    ids.to("cuda")
    return ids


def generate(req: Request) -> str:
    ids = tokenize(req.prompt)
    with torch.inference_mode():
        out = STATE["model"].generate(ids, max_new_tokens=req.max_new_tokens)
    return STATE["tokenizer"].decode(out[0, ids.shape[1]:], skip_special_tokens=True)


@app.post("/complete")
async def complete(req: Request):
    text = await asyncio.to_thread(generate, req)
    return {"completion": text}
