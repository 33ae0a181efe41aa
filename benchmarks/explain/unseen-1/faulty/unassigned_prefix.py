import torch
from peft import PrefixTuningConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "gpt2"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name)
get_peft_model(model, PrefixTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=20))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-2)
model.train()
for line in open("poems.txt"):
    enc = tokenizer(line, return_tensors="pt", truncation=True, max_length=128)
    loss = model(**enc, labels=enc["input_ids"]).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
