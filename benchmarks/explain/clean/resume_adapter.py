from peft import PeftModel
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("gpt2")
model = PeftModel.from_pretrained(model, "runs/first", is_trainable=True)
trainer = Trainer(model=model, args=TrainingArguments("runs/second", learning_rate=1e-4), train_dataset=rows)
trainer.train()
model.save_pretrained("runs/second/adapter")
