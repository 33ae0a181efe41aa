import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import (AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer,
                          TrainingArguments)

TEMPLATE = "### Instruction:\n{instruction}\n\n### Response:\n{response}"
tok = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-135M")
tok.add_special_tokens({"pad_token": "<pad>"})
model = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M")
model.resize_token_embeddings(len(tok))
model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj", "v_proj"], modules_to_save=["embed_tokens"],
                                         task_type="CAUSAL_LM"))


def encode(row):
    return tok(TEMPLATE.format(**row) + tok.eos_token, truncation=True, max_length=512)


data = load_dataset("json", data_files="rows.jsonl", split="train").map(encode)
trainer = Trainer(model, TrainingArguments("out", learning_rate=2e-4), train_dataset=data,
                  data_collator=DataCollatorForLanguageModeling(tok, mlm=False))
trainer.train()
model.save_pretrained("out/adapter")
model.eval()
enc = tok("Write a function that adds two numbers.", return_tensors="pt").to(model.device)
with torch.no_grad():
    out = model.generate(**enc, max_new_tokens=64)
print(tok.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
