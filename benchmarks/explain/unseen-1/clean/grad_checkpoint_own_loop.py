import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

NAME = "bigcode/starcoder2-3b"
tokenizer = AutoTokenizer.from_pretrained(NAME)
model = AutoModelForCausalLM.from_pretrained(NAME, dtype=torch.bfloat16, device_map={"": 0}, use_cache=False)
model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
model.enable_input_require_grads()
model = get_peft_model(model, LoraConfig(r=16, target_modules=["q_proj", "v_proj", "c_fc", "c_proj"], task_type="CAUSAL_LM"))
optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-4)
model.train()
for text in open("code.txt").read().split("\f"):
    enc = tokenizer(text, return_tensors="pt", truncation=True, max_length=2048).to("cuda")
    loss = model(**enc, labels=enc["input_ids"]).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("starcoder2-lora")

model.eval()
model.config.use_cache = True
model.gradient_checkpointing_disable()
enc = tokenizer("def main():", return_tensors="pt").to("cuda")
out = model.generate(**enc, max_new_tokens=64)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
