from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
model = AutoModelForCausalLM.from_pretrained("gpt2")
model.config.use_cache = True
Trainer(model=model, args=TrainingArguments("o", gradient_checkpointing=True, learning_rate=1e-5), train_dataset=d).train()
