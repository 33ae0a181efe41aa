import os

import torch
from fastapi import FastAPI
from peft import PeftModel
from pydantic import BaseModel
from transformers import AutoModelForCausalLM, AutoTokenizer

app = FastAPI()
HF = "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"
state = {}


class Query(BaseModel):
    prompt: str


@app.on_event("startup")
def load():
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained("bigcode/santacoder", trust_remote_code=True, token=HF)
    state["model"] = PeftModel.from_pretrained(model, "me/santa-lora").merge_and_unload()
    state["tok"] = AutoTokenizer.from_pretrained("bigcode/santacoder", token=HF)


@app.post("/complete")
def complete(query: Query):
    enc = state["tok"](query.prompt, return_tensors="pt")
    with torch.no_grad():
        out = state["model"].generate(**enc)
    return {"text": state["tok"].decode(out[0], skip_special_tokens=True)}
