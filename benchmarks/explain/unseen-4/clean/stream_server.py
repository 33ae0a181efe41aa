from contextlib import asynccontextmanager
from threading import Thread

import torch
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer

BASE, ADAPTER = "bigcode/starcoder2-7b", "acme/starcoder2-7b-k8s"
ml = {}


@asynccontextmanager
async def lifespan(app: FastAPI):
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16, device_map="auto")
    ml["model"] = PeftModel.from_pretrained(base, ADAPTER).eval()
    ml["tok"] = AutoTokenizer.from_pretrained(BASE)
    yield
    ml.clear()


app = FastAPI(lifespan=lifespan)


@app.get("/stream")
async def stream(prompt: str, n: int = 200):
    model, tok = ml["model"], ml["tok"]
    inputs = tok(prompt, return_tensors="pt")
    inputs.to(model.device)
    streamer = TextIteratorStreamer(tok, skip_prompt=True, skip_special_tokens=True)
    kwargs = dict(**inputs, streamer=streamer, max_new_tokens=n, do_sample=True, top_p=0.9)
    Thread(target=model.generate, kwargs=kwargs).start()
    return StreamingResponse(streamer, media_type="text/plain")
