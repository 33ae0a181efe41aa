import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.2-1B-Instruct")
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.2-1B-Instruct", dtype=torch.bfloat16)
model = PeftModel.from_pretrained(model, "me/llama-chat-lora").eval()


def reply(history):
    prompt = tokenizer.apply_chat_template(history, tokenize=False, add_generation_prompt=True)
    enc = tokenizer([prompt], return_tensors="pt")
    with torch.no_grad():
        ids = model.generate(**enc, max_new_tokens=128, do_sample=True, temperature=0.2)
    return tokenizer.decode(ids[0, enc["input_ids"].shape[1]:], skip_special_tokens=True)


print(reply([{"role": "user", "content": "hi"}]))
