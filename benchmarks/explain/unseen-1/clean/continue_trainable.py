import torch
from datasets import load_from_disk
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

BASE = "Qwen/Qwen2.5-1.5B"
tokenizer = AutoTokenizer.from_pretrained(BASE)
base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16)
model = PeftModel.from_pretrained(base, "runs/round-1", is_trainable=True)
trainer = Trainer(
    model=model,
    args=TrainingArguments("runs/round-2", learning_rate=1e-4, num_train_epochs=1, bf16=True),
    train_dataset=load_from_disk("data/round-2"),
    data_collator=DataCollatorForSeq2Seq(tokenizer),
)
trainer.train()
model.save_pretrained("runs/round-2/final")
