from transformers import AutoConfig, AutoModelForCausalLM, Trainer, TrainingArguments

config = AutoConfig.from_pretrained("gpt2", n_layer=4, vocab_size=8000)
model = AutoModelForCausalLM.from_config(config)
Trainer(model=model, args=TrainingArguments("out", learning_rate=6e-4), train_dataset=rows).train()
