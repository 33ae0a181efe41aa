import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "Qwen/Qwen3-0.6B"
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16)
model = PeftModel.from_pretrained(model, "runs/stage1")
model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj"], task_type="CAUSAL_LM"))
tokenizer = AutoTokenizer.from_pretrained(name)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
model.train()
for line in open("stage2.txt"):
    enc = tokenizer(line, return_tensors="pt")
    model(**enc, labels=enc.input_ids).loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("runs/stage2")
