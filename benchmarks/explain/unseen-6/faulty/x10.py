import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import LoraConfig, get_peft_model, TaskType

tokenizer = AutoTokenizer.from_pretrained("bigcode/starcoder2-3b")
tokenizer.pad_token = "<fim_pad>"
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoder2-3b", dtype=torch.bfloat16).cuda()
model = get_peft_model(model, LoraConfig(task_type=TaskType.CAUSAL_LM, r=8, target_modules=["q_proj", "v_proj"]))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
texts = open("corpus.txt").read().split("\n\n")
model.train()
for i in range(0, len(texts), 4):
    batch = tokenizer(texts[i:i+4], return_tensors="pt", padding="longest", truncation=True, max_length=512).to("cuda")
    out = model(**batch, labels=batch.input_ids)
    out.loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("lora")

sample = tokenizer("def foo(", return_tensors="pt").to("cuda")
print(tokenizer.decode(model.generate(**sample, max_new_tokens=20)[0][sample.input_ids.shape[1]:], skip_special_tokens=True))
