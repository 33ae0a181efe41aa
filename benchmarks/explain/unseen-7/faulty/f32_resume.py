import torch
from datasets import load_from_disk
from peft import PeftModel
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, default_data_collator

base = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M").to("cuda")
model = PeftModel.from_pretrained(base, "runs/lora/checkpoint-500")
optimizer = torch.optim.AdamW(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-4)
loader = DataLoader(load_from_disk("packed"), batch_size=4, collate_fn=default_data_collator)

model.train()
for epoch in range(2):
    for batch in loader:
        for value in batch.values():
            value.to("cuda")
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
model.save_pretrained("runs/lora/final")
