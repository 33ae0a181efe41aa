"""Prompt tuning of a small code model on commit messages."""
import torch
from datasets import load_dataset
from peft import PromptTuningConfig, PromptTuningInit, TaskType, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, default_data_collator

name = "Salesforce/codegen-350M-mono"
tokenizer = AutoTokenizer.from_pretrained(name)
tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(name)

config = PromptTuningConfig(
    task_type=TaskType.CAUSAL_LM,
    prompt_tuning_init=PromptTuningInit.TEXT,
    num_virtual_tokens=12,
    prompt_tuning_init_text="Write the commit message:",
    tokenizer_name_or_path=name,
)
get_peft_model(model, config)


def encode(row):
    enc = tokenizer(row["diff"] + "\n# " + row["message"], truncation=True, max_length=256, padding="max_length")
    enc["labels"] = [t if m else -100 for t, m in zip(enc["input_ids"], enc["attention_mask"])]
    return enc


data = load_dataset("json", data_files="commits.jsonl", split="train")
data = data.map(encode, remove_columns=data.column_names)
loader = DataLoader(data, batch_size=8, shuffle=True, collate_fn=default_data_collator)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-2)

for epoch in range(5):
    model.train()
    for batch in loader:
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    print(epoch, loss.item())
model.save_pretrained("codegen-commit-prompt")
