import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)

model_name = "codellama/CodeLlama-7b-hf"
bnb = BitsAndBytesConfig(
    load_in_4bit=True,
    bnb_4bit_quant_type="nf4",
    bnb_4bit_compute_dtype=torch.bfloat16,
    bnb_4bit_use_double_quant=True,
)
tokenizer = AutoTokenizer.from_pretrained(model_name)
tokenizer.pad_token = tokenizer.unk_token
model = AutoModelForCausalLM.from_pretrained(model_name, quantization_config=bnb, device_map={"": 0})

lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, task_type="CAUSAL_LM", target_modules="all-linear")
model = get_peft_model(model, lora)

train = load_dataset("json", data_files="nl2bash.jsonl", split="train")
train = train.map(lambda x: tokenizer(x["text"], truncation=True, max_length=512), remove_columns=train.column_names)

trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir="nl2bash-qlora",
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
        learning_rate=2e-4,
        num_train_epochs=3,
        bf16=True,
        optim="paged_adamw_8bit",
    ),
    train_dataset=train,
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
)
trainer.train()
merged = model.merge_and_unload()
merged.save_pretrained("nl2bash-merged")
