import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2").eval()
ids = tokenizer("In a hole in the ground", return_tensors="pt").input_ids
start = ids.shape[1]
past = None
with torch.no_grad():
    step = ids
    for _ in range(30):
        result = model(step, past_key_values=past, use_cache=True)
        past = result.past_key_values
        step = result.logits[:, -1].argmax(-1, keepdim=True)
        ids = torch.cat([ids, step], dim=1)
print(tokenizer.decode(ids[0, start:]))
