import gradio as gr
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer
from threading import Thread

BASE = "HuggingFaceTB/SmolLM2-1.7B-Instruct"
tokenizer = AutoTokenizer.from_pretrained(BASE)
base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16, device_map="auto")
tuned = PeftModel.from_pretrained(base, "acme/smol-prompt-tuning")
tuned.eval()


def reply(message, history):
    messages = history + [{"role": "user", "content": message}]
    enc = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt").to(base.device)
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    Thread(target=base.generate, kwargs=dict(**enc, streamer=streamer, max_new_tokens=256)).start()
    text = ""
    for piece in streamer:
        text += piece
        yield text


gr.ChatInterface(reply, type="messages").launch()
