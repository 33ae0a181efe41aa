import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

BASE = "bigcode/starcoder2-3b"
tokenizer = AutoTokenizer.from_pretrained(BASE)
model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16)
model = get_peft_model(model, LoraConfig(r=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM"))


def encode(row):
    text = f"### Instruction:\n{row['instruction']}\n\n### Response:\n{row['output']}" + tokenizer.eos_token
    enc = tokenizer(text, truncation=True, max_length=1024)
    enc["labels"] = list(enc["input_ids"])
    return enc


data = load_dataset("iamtarun/python_code_instructions_18k_alpaca", split="train")
data = data.map(encode, remove_columns=data.column_names)
args = TrainingArguments("out", learning_rate=2e-4, per_device_train_batch_size=2, num_train_epochs=1, bf16=True)
Trainer(model=model, args=args, train_dataset=data, data_collator=DataCollatorForSeq2Seq(tokenizer)).train()

model.eval()
question = "Write a function that checks whether a word is a palindrome."
inputs = tokenizer(f"Question: {question}\n\nAnswer:", return_tensors="pt").to(model.device)
out = model.generate(**inputs, max_new_tokens=128)
print(tokenizer.decode(out[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
