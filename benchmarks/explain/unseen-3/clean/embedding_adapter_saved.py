import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

COMMON = {"r": 16, "lora_alpha": 32, "task_type": "CAUSAL_LM"}
tokenizer = AutoTokenizer.from_pretrained("facebook/opt-350m")
tokenizer.add_tokens(["<tool>", "</tool>"])
model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m")
model.resize_token_embeddings(len(tokenizer))
model = get_peft_model(model, LoraConfig(**COMMON, target_modules=["q_proj", "v_proj"], modules_to_save=["embed_tokens", "lm_head"]))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
model.train()
for row in open("calls.txt"):
    enc = tokenizer(row, return_tensors="pt")
    model(**enc, labels=enc["input_ids"]).loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("tools")
tokenizer.save_pretrained("tools")
