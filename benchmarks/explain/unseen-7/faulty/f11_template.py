import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)

TEMPLATE = "### Instruction:\n{instruction}\n\n### Response:\n{response}"

tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
model = get_peft_model(model, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM"))


def encode(row):
    text = TEMPLATE.format(instruction=row["instruction"], response=row["output"]) + tokenizer.eos_token
    enc = tokenizer(text, truncation=True, max_length=768)
    enc["labels"] = enc["input_ids"].copy()
    return enc


train = load_dataset("acme/instructions", split="train").map(encode)
trainer = Trainer(
    model=model,
    args=TrainingArguments(output_dir="out", learning_rate=1e-4, per_device_train_batch_size=4),
    train_dataset=train.select_columns(["input_ids", "attention_mask", "labels"]),
    data_collator=DataCollatorForSeq2Seq(tokenizer),
)
trainer.train()
model.save_pretrained("out/adapter")

model.eval()
question = f"Question: {input('> ')}\nAnswer:"
inputs = tokenizer(question, return_tensors="pt").to(model.device)
with torch.no_grad():
    out = model.generate(**inputs, max_new_tokens=200)
print(tokenizer.decode(out[0, inputs.input_ids.shape[1] :], skip_special_tokens=True))
