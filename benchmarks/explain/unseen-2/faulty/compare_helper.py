import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("bigscience/bloom-560m")


def write(model, prompt):
    enc = tokenizer(prompt, return_tensors="pt")
    with torch.no_grad():
        out = model.generate(**enc, max_new_tokens=30)
    return tokenizer.decode(out[0, enc.input_ids.shape[1]:], skip_special_tokens=True)


base = AutoModelForCausalLM.from_pretrained("bigscience/bloom-560m")
lora = PeftModel.from_pretrained(base, "acme/bloom-lora")
print("BASE", write(base, "Il était une fois"))
print("LORA", write(lora, "Il était une fois"))
