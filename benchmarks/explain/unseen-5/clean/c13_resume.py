import torch
from datasets import load_from_disk
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

base_id = "Qwen/Qwen2.5-Coder-3B-Instruct"
tok = AutoTokenizer.from_pretrained(base_id)
base = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.bfloat16)
model = PeftModel.from_pretrained(base, "runs/week1", is_trainable=True)
model.print_trainable_parameters()

trainer = Trainer(
    model=model,
    args=TrainingArguments("runs/week2", learning_rate=5e-5, num_train_epochs=1, bf16=True, report_to="none"),
    train_dataset=load_from_disk("week2"),
    data_collator=DataCollatorForSeq2Seq(tok, pad_to_multiple_of=8),
)
trainer.train()
model.save_pretrained("runs/week2/adapter")
