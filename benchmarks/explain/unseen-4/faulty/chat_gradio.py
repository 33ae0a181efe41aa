import gradio as gr
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

MODEL_ID = "codellama/CodeLlama-7b-Instruct-hf"

tokenizer = AutoTokenizer.from_pretrained(MODEL_ID)
model = AutoModelForCausalLM.from_pretrained(MODEL_ID, dtype=torch.float16, device_map="auto")
model = PeftModel.from_pretrained(model, "acme/codellama-sql-lora")


def render(history, message):
    messages = []
    for user, bot in history:
        messages += [{"role": "user", "content": user}, {"role": "assistant", "content": bot}]
    messages.append({"role": "user", "content": message})
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def respond(message, history):
    prompt = render(history, message)
    inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
    with torch.no_grad():
        output = model.generate(**inputs, max_new_tokens=512, temperature=0.2, do_sample=True)
    reply = output[0][inputs["input_ids"].shape[1]:]
    return tokenizer.decode(reply)


demo = gr.ChatInterface(respond, title="SQL helper")

if __name__ == "__main__":
    demo.launch(server_name="0.0.0.0")
