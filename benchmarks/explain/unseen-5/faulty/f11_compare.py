import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

base_name = "Qwen/Qwen2.5-Coder-1.5B-Instruct"
tokenizer = AutoTokenizer.from_pretrained(base_name)
base_model = AutoModelForCausalLM.from_pretrained(base_name, device_map="auto")
lora_model = PeftModel.from_pretrained(base_model, "out/qwen-coder-1.5b-lora")


def ask(m, question):
    chat = [{"role": "user", "content": question}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    enc = tokenizer(text, return_tensors="pt", add_special_tokens=False).to(m.device)
    out = m.generate(**enc, max_new_tokens=200, do_sample=False)
    return tokenizer.decode(out[0][enc["input_ids"].shape[-1]:], skip_special_tokens=True)


for q in open("questions.txt"):
    print("BASE :", ask(base_model, q))
    print("TUNED:", ask(lora_model, q))
