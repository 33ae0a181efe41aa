import gradio as gr
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

CONFIG = {
    "base": "mistralai/Mistral-7B-v0.1",
    "adapter": "bigcode/astraios-7b-lora",
    "limit": 200,
}

tokenizer = AutoTokenizer.from_pretrained(CONFIG["base"])
model = AutoModelForCausalLM.from_pretrained(CONFIG["base"], dtype=torch.bfloat16, device_map="auto")
model = PeftModel.from_pretrained(model, CONFIG["adapter"])


@torch.no_grad()
def answer(message, history):
    inputs = tokenizer(message, return_tensors="pt").to(model.device)
    out = model.generate(**inputs, max_new_tokens=CONFIG["limit"])
    return tokenizer.decode(out[0][inputs["input_ids"].shape[1]:], skip_special_tokens=True)


gr.ChatInterface(answer).launch()
