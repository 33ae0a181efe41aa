import torch
from datasets import load_from_disk
from peft import PeftModel
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, default_data_collator

device = torch.device("cuda:0")
base = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M")
model = PeftModel.from_pretrained(base, "runs/step-500", is_trainable=True).to(device)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
loader = DataLoader(load_from_disk("packed"), batch_size=4, collate_fn=default_data_collator)
model.train()
for batch in loader:
    batch = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
    with torch.autocast("cuda", dtype=torch.bfloat16):
        loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
model.save_pretrained("runs/final")
