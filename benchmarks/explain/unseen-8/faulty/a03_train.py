from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)

BASE = "bigcode/starcoderbase-3b"
LORA = dict(r=16, lora_alpha=32, lora_dropout=0.05, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
ARGS = {
    "output_dir": "out",
    "per_device_train_batch_size": 4,
    "num_train_epochs": 1,
    "evaluation_strategy": "steps",
    "learning_rate": 2e-4,
    "bf16": True,
}


def run():
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype="bfloat16")
    model = get_peft_model(model, LoraConfig(**LORA))
    data = load_dataset("json", data_files="rows.jsonl")["train"]
    data = data.map(lambda row: tokenizer(row["text"], truncation=True, max_length=512), remove_columns=["text"])
    trainer = Trainer(
        model=model,
        args=TrainingArguments(**ARGS),
        train_dataset=data,
        tokenizer=tokenizer,
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    )
    trainer.train()
    model.base_model.model.save_pretrained("out/final")


run()
