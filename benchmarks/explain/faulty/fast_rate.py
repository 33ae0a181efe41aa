from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("EleutherAI/pythia-410m")
args = TrainingArguments(output_dir="out", learning_rate=1e-3, num_train_epochs=3)
Trainer(model=model, args=args, train_dataset=rows).train()
