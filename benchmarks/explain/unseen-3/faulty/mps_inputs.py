import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

device = torch.device("mps")
name = "Qwen/Qwen2.5-Coder-0.5B"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name)
model = model.to(device)
model.eval()
for prompt in ["def f(", "class A"]:
    inputs = tokenizer([prompt], return_tensors="pt")
    with torch.no_grad():
        output = model.generate(inputs.input_ids, attention_mask=inputs.attention_mask, max_new_tokens=20)
    print(tokenizer.decode(output[0][len(inputs.input_ids[0]):], skip_special_tokens=True))
