from fastapi import FastAPI
from peft import PeftModel
from pydantic import BaseModel
from transformers import AutoModelForCausalLM, AutoTokenizer

app = FastAPI()
BASE = "Qwen/Qwen2.5-Coder-1.5B"
tokenizer = AutoTokenizer.from_pretrained(BASE)
base = AutoModelForCausalLM.from_pretrained(BASE, device_map="auto")
model = PeftModel.from_pretrained(base, "team/python", adapter_name="python")
model.load_adapter("team/rust", adapter_name="rust")
model.eval()


class Ask(BaseModel):
    prompt: str


@app.post("/rust")
def rust(ask: Ask):
    enc = tokenizer(ask.prompt, return_tensors="pt").to(model.device)
    out = model.generate(**enc, max_new_tokens=128)
    return {"text": tokenizer.decode(out[0, enc.input_ids.shape[1]:], skip_special_tokens=True)}
