import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

model = AutoPeftModelForCausalLM.from_pretrained("out/qwen-coder-lora", device_map="auto")
tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-Coder-1.5B-Instruct")
model.eval()


def answer(question):
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
    )
    enc = tokenizer(text, return_tensors="pt", add_special_tokens=False).to(model.device)
    out = model.generate(**enc, max_new_tokens=128, do_sample=False)
    return tokenizer.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True)


q = "Write a regex for ISO dates."
with model.disable_adapter():
    before = answer(q)
after = answer(q)
print("base:   ", before)
print("adapter:", after)
