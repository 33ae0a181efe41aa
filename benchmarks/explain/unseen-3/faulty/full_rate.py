from datasets import load_from_disk
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

RATE = 1e-3
tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-360M")
model = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-360M")
args = TrainingArguments("full", learning_rate=RATE, num_train_epochs=3)
Trainer(model=model, args=args, train_dataset=load_from_disk("d"), data_collator=DataCollatorForSeq2Seq(tokenizer)).train()
