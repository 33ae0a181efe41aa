import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "HuggingFaceTB/SmolLM2-135M"
tok = AutoTokenizer.from_pretrained(name)
model = get_peft_model(
    AutoModelForCausalLM.from_pretrained(name),
    LoraConfig(r=8, lora_dropout=0.1, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
model.train()
for step, row in enumerate(load_dataset("roneneldan/TinyStories", split="train[:2000]")):
    enc = tok(row["text"], return_tensors="pt", truncation=True, max_length=256)
    loss = model(**enc, labels=enc["input_ids"]).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
prompt = tok("One day", return_tensors="pt")
out = model.generate(**prompt, max_new_tokens=30)
print(tok.decode(out[0, prompt["input_ids"].shape[1]:], skip_special_tokens=True))
model.save_pretrained("stories-lora")
