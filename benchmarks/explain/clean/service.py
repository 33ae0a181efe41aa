from functools import lru_cache

import torch
from fastapi import FastAPI
from peft import PeftModel
from pydantic import BaseModel
from transformers import AutoModelForCausalLM, AutoTokenizer

app = FastAPI()


class Ask(BaseModel):
    text: str
    max_new_tokens: int = 128


class Engine:
    def __init__(self, base: str, adapter: str, device: str = "cuda"):
        self.device = device
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
        self.model = PeftModel.from_pretrained(model, adapter).to(device).eval()

    @torch.inference_mode()
    def answer(self, text: str, length: int) -> str:
        batch = self.tokenizer(text, return_tensors="pt").to(self.device)
        tokens = self.model.generate(**batch, max_new_tokens=length)
        return self.tokenizer.decode(tokens[0][batch.input_ids.shape[1]:], skip_special_tokens=True)


@lru_cache
def engine() -> Engine:
    return Engine("Qwen/Qwen2.5-Coder-1.5B", "me/qwen2.5-coder-1.5b-style")


@app.post("/ask")
def ask(request: Ask):
    return {"answer": engine().answer(request.text, request.max_new_tokens)}
