import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer
from threading import Thread

BASE = "meta-llama/Llama-3.2-1B-Instruct"
tokenizer = AutoTokenizer.from_pretrained(BASE)
model = AutoModelForCausalLM.from_pretrained(BASE, dtype="auto").to("cuda")
model = PeftModel.from_pretrained(model, "acme/llama-3.2-1b-instruct-lora")
model.eval()


def chat(messages):
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    inputs = tokenizer([text], return_tensors="pt").to("cuda")
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    kwargs = dict(**inputs, streamer=streamer, max_new_tokens=512)
    Thread(target=model.generate, kwargs=kwargs).start()
    yield from streamer


for piece in chat([{"role": "user", "content": "Write a binary search in Go."}]):
    print(piece, end="", flush=True)
