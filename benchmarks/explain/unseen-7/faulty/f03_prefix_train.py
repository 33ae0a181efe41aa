from datasets import load_dataset
from peft import PrefixTuningConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)

name = "HuggingFaceTB/SmolLM2-360M"
tokenizer = AutoTokenizer.from_pretrained(name)
tokenizer.pad_token = "<file_sep>"
model = AutoModelForCausalLM.from_pretrained(name)

peft_config = PrefixTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=30)
prefix_model = get_peft_model(model, peft_config)
prefix_model.print_trainable_parameters()

data = load_dataset("json", data_files="train.jsonl", split="train")
data = data.map(lambda row: tokenizer(row["text"], truncation=True, max_length=512), remove_columns=data.column_names)

args = TrainingArguments(output_dir="prefix-out", learning_rate=1e-2, num_train_epochs=3)
trainer = Trainer(
    model=model,
    args=args,
    train_dataset=data,
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
)
trainer.train()
prefix_model.save_pretrained("prefix-out")
