import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("mistralai/Mistral-7B-v0.3")
model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.3", dtype=torch.bfloat16, device_map={"": 0})
model.gradient_checkpointing_enable()
model.enable_input_require_grads()
model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
model.train()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
for text in open("corpus.txt").read().split("\x00"):
    batch = tokenizer(text, return_tensors="pt", truncation=True, max_length=2048).to(model.device)
    out = model(**batch, labels=batch["input_ids"], use_cache=True)
    out.loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
model.save_pretrained("mistral-lora")
