"""A small completion server."""
import torch
from contextlib import asynccontextmanager
from fastapi import FastAPI
from peft import PeftModel
from pydantic import BaseModel
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = "bigcode/starcoderbase-1b"
ADAPTER = "acme/starcoderbase-1b-lora-sql"
state = {}


def build():
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16)
    tuned = PeftModel.from_pretrained(base, ADAPTER)
    tuned.eval()
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16)
    return base, AutoTokenizer.from_pretrained(BASE)


@asynccontextmanager
async def lifespan(app: FastAPI):
    state["model"], state["tokenizer"] = build()
    yield
    state.clear()


app = FastAPI(lifespan=lifespan)


class Query(BaseModel):
    text: str
    tokens: int = 64


@app.post("/complete")
def complete(query: Query):
    tokenizer = state["tokenizer"]
    inputs = tokenizer(query.text, return_tensors="pt")
    with torch.inference_mode():
        out = state["model"].generate(**inputs, max_new_tokens=query.tokens)
    return {"text": tokenizer.decode(out[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True)}
