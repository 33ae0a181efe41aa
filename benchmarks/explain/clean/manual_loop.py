import torch
from peft import IA3Config, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, get_linear_schedule_with_warmup

device = torch.device("cuda")
model = AutoModelForCausalLM.from_pretrained("bigscience/bloom-560m")
model = get_peft_model(model, IA3Config(task_type="CAUSAL_LM"))
model.to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3)
loader = DataLoader(rows, batch_size=4, shuffle=True)
schedule = get_linear_schedule_with_warmup(optimizer, 10, len(loader))
model.train()
for batch in loader:
    batch = {key: value.to(device) for key, value in batch.items()}
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
model.eval()
model.save_pretrained("ia3")
