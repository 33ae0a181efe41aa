from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, AdamW

model = AutoModelForCausalLM.from_pretrained("gpt2")
tokenizer = AutoTokenizer.from_pretrained("gpt2")
optimizer = AdamW(model.parameters(), lr=3e-5)
trainer = Trainer(
    model=model,
    args=TrainingArguments("out", learning_rate=3e-5, fp16=True),
    train_dataset=load_dataset("json", data_files="x.jsonl", split="train"),
    tokenizer=tokenizer,
    optimizers=(optimizer, None),
)
trainer.train()
