import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

model = AutoPeftModelForCausalLM.from_pretrained("acme/opt-lora").to("cuda").eval()
tokenizer = AutoTokenizer.from_pretrained("acme/opt-lora")
batch = tokenizer("Dear all,", return_tensors="pt")
for key, tensor in batch.items():
    tensor.to("cuda")
with torch.no_grad():
    out = model.generate(**batch, max_new_tokens=20)
print(tokenizer.decode(out[0, batch["input_ids"].shape[1]:], skip_special_tokens=True))
