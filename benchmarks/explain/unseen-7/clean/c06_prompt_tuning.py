import torch
from datasets import load_dataset
from peft import PromptTuningConfig, PromptTuningInit, TaskType, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, default_data_collator

device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
name = "bigscience/bloomz-560m"
tokenizer = AutoTokenizer.from_pretrained(name)
config = PromptTuningConfig(
    task_type=TaskType.CAUSAL_LM,
    prompt_tuning_init=PromptTuningInit.TEXT,
    num_virtual_tokens=8,
    prompt_tuning_init_text="Classify if the tweet is a complaint or not:",
    tokenizer_name_or_path=name,
)
model = get_peft_model(AutoModelForCausalLM.from_pretrained(name), config).to(device)
classes = ["complaint", "no complaint"]


def encode(rows, max_length=64):
    result = {"input_ids": [], "attention_mask": [], "labels": []}
    for text, label in zip(rows["Tweet text"], rows["Label"]):
        prompt = tokenizer(f"Tweet text : {text} Label : ")["input_ids"]
        answer = tokenizer(classes[label - 1])["input_ids"] + [tokenizer.eos_token_id]
        ids = (prompt + answer)[:max_length]
        labels = ([-100] * len(prompt) + answer)[:max_length]
        pad = max_length - len(ids)
        result["input_ids"].append([tokenizer.pad_token_id] * pad + ids)
        result["attention_mask"].append([0] * pad + [1] * len(ids))
        result["labels"].append([-100] * pad + labels)
    return result


data = load_dataset("ought/raft", "twitter_complaints", split="train")
data = data.map(encode, batched=True, remove_columns=data.column_names)
loader = DataLoader(data, shuffle=True, batch_size=16, collate_fn=default_data_collator, pin_memory=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-2)
model.train()
for epoch in range(50):
    for batch in loader:
        batch = {k: v.to(device) for k, v in batch.items()}
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
model.save_pretrained("bloomz-prompt")

model.eval()
inputs = tokenizer("Tweet text : @nationalgridus I have no water. Label : ", return_tensors="pt").to(device)
with torch.no_grad():
    out = model.generate(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=10, eos_token_id=tokenizer.eos_token_id)
print(tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
