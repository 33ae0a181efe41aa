"""A small completion server."""
import threading

import torch
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from peft import PeftConfig, PeftModel
from pydantic import BaseModel
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

ADAPTER = "adapters/house-style"
app = FastAPI()
config = PeftConfig.from_pretrained(ADAPTER)
tokenizer = AutoTokenizer.from_pretrained(config.base_model_name_or_path)
base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path, dtype=torch.bfloat16, device_map="auto")
model = PeftModel.from_pretrained(base, ADAPTER)
model.eval()
lock = threading.Lock()


class Request(BaseModel):
    prompt: str
    max_new_tokens: int = 128


class StopAt(StoppingCriteria):
    def __init__(self, words, start):
        self.words, self.start = words, start

    def __call__(self, input_ids, scores, **kwargs):
        tail = tokenizer.decode(input_ids[0, self.start:], skip_special_tokens=True)
        return torch.tensor([any(w in tail for w in self.words)], device=input_ids.device)


@app.post("/complete")
def complete(req: Request):
    enc = tokenizer(req.prompt, return_tensors="pt").to(model.device)
    stop = StoppingCriteriaList([StopAt(["\nclass ", "\ndef "], enc["input_ids"].shape[1])])
    with lock, torch.inference_mode():
        out = model.generate(**enc, max_new_tokens=req.max_new_tokens, stopping_criteria=stop)
    return {"text": tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True)}


@app.post("/stream")
def stream(req: Request):
    enc = tokenizer(req.prompt, return_tensors="pt").to(model.device)
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    kwargs = dict(**enc, streamer=streamer, max_new_tokens=req.max_new_tokens)
    threading.Thread(target=model.generate, kwargs=kwargs).start()
    return StreamingResponse(streamer, media_type="text/plain")


if __name__ == "__main__":
    uvicorn.run(app, port=8080)
