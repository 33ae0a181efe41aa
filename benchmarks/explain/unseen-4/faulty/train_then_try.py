import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

base = "deepseek-ai/deepseek-coder-1.3b-base"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
model = get_peft_model(
    model,
    LoraConfig(r=16, lora_alpha=32, lora_dropout=0.1, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
)
model.print_trainable_parameters()

TEMPLATE = "### Instruction:\n{instruction}\n\n### Response:\n"


def preprocess(row):
    prompt = TEMPLATE.format(instruction=row["instruction"])
    p = tokenizer(prompt)["input_ids"]
    a = tokenizer(row["output"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    return {"input_ids": p + a, "attention_mask": [1] * len(p + a), "labels": [-100] * len(p) + a}


train = load_dataset("sahil2801/CodeAlpaca-20k", split="train[:5000]").map(
    preprocess, remove_columns=["instruction", "input", "output"]
)
trainer = Trainer(
    model=model,
    args=TrainingArguments("dsc-lora", learning_rate=2e-4, num_train_epochs=1, per_device_train_batch_size=4, bf16=True),
    train_dataset=train,
    data_collator=DataCollatorForSeq2Seq(tokenizer),
)
trainer.train()
model.save_pretrained("dsc-lora/final")

# quick look at it
question = "Write a function that returns the n-th Fibonacci number."
enc = tokenizer(f"Question: {question}\n\nAnswer: ", return_tensors="pt").to(model.device)
out = model.generate(**enc, max_new_tokens=200)
print(tokenizer.decode(out[0][enc["input_ids"].shape[1]:], skip_special_tokens=True))
