import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

device = "cuda:0"
tokenizer = AutoTokenizer.from_pretrained("bigcode/starcoder2-3b")
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoder2-3b", dtype=torch.float16)
model = PeftModel.from_pretrained(model, "me/sc2-lora")
model.to(device)
model.eval()
ids = tokenizer("def main():", return_tensors="pt").input_ids
ids.to(device)
with torch.no_grad():
    out = model.generate(ids, max_new_tokens=20)
print(tokenizer.decode(out[0, ids.shape[1]:], skip_special_tokens=True))
