import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "facebook/opt-350m"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name)
model.add_adapter(LoraConfig(r=4, target_modules=["q_proj", "v_proj"]), adapter_name="new")
model.set_adapter("new")
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
model.train()
for line in open("lines.txt"):
    enc = tokenizer(line, return_tensors="pt")
    model(**enc, labels=enc["input_ids"]).loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("opt-lora")
model.eval()
enc = tokenizer("Hello", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=20)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
