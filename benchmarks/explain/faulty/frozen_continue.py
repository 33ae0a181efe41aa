from peft import PeftModel
from torch.optim import AdamW
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("gpt2")
model = PeftModel.from_pretrained(model, "runs/first")
optimizer = AdamW(model.parameters(), lr=1e-4)
model.train()
for batch in make_batches():
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("runs/second")
