import threading

import torch
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from peft import PeftModel
from pydantic import BaseModel
from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer

BASE, ADAPTER = "bigcode/starcoder2-7b", "acme/starcoder2-7b-lora"
device = "cuda"
tokenizer = AutoTokenizer.from_pretrained(BASE)
model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16).to(device)
model = PeftModel.from_pretrained(model, ADAPTER)
model = model.merge_and_unload().eval()
app = FastAPI()


class Request(BaseModel):
    prompt: str
    max_new_tokens: int = 128


@app.post("/stream")
def stream(request: Request):
    inputs = tokenizer(request.prompt, return_tensors="pt").to(device)
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    threading.Thread(
        target=model.generate, kwargs={**inputs, "streamer": streamer, "max_new_tokens": request.max_new_tokens}
    ).start()
    return StreamingResponse(streamer, media_type="text/plain")
