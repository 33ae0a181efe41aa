import torch
from datasets import load_from_disk
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

checkpoint = "Qwen/Qwen2.5-Coder-0.5B-Instruct"
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.bfloat16)
peft_model = get_peft_model(
    model,
    LoraConfig(task_type=TaskType.CAUSAL_LM, r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj"]),
)

trainer = Trainer(
    peft_model,
    TrainingArguments("out", learning_rate=2e-4, num_train_epochs=2, warmup_ratio=0.03, report_to="none"),
    train_dataset=load_from_disk("tokenised"),
    data_collator=DataCollatorForSeq2Seq(tokenizer),
    tokenizer=tokenizer,
)
trainer.train()
model.save_pretrained("out/adapter")
tokenizer.save_pretrained("out/adapter")
