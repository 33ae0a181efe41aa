from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments

tokenizer = AutoTokenizer.from_pretrained("EleutherAI/pythia-160m")
tokenizer.pad_token = "<|padding|>"
model = AutoModelForCausalLM.from_pretrained("EleutherAI/pythia-160m")
args = TrainingArguments("out", learning_rate=2e-5, warmup_steps=20, weight_decay=0.01, bf16=True)
collator = DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm=False)
trainer = Trainer(model, args, data_collator=collator, train_dataset=rows)
trainer.train(resume_from_checkpoint=True)
trainer.save_model()
