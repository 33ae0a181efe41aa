import os

from datasets import load_dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

BASE = "Qwen/Qwen2.5-Coder-0.5B"
OUT = "out/qwen-doc"


def make_model():
    base = AutoModelForCausalLM.from_pretrained(BASE)
    last = os.path.join(OUT, "last")
    if os.path.isdir(last):
        return PeftModel.from_pretrained(base, last, is_trainable=True)
    return get_peft_model(base, LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))


tok = AutoTokenizer.from_pretrained(BASE)


def encode(r):
    x = tok(r["code"])["input_ids"]
    y = tok(r["docstring"] + "<|endoftext|>")["input_ids"]
    return {"input_ids": x + y, "labels": [-100] * len(x) + y}


rows = load_dataset("json", data_files="docs.jsonl", split="train")
trainer = Trainer(
    make_model(),
    TrainingArguments(OUT, learning_rate=1e-4, num_train_epochs=1, eval_strategy="no", save_strategy="no"),
    train_dataset=rows.map(encode, remove_columns=rows.column_names),
    data_collator=DataCollatorForSeq2Seq(tok),
)
trainer.train()
trainer.model.save_pretrained(os.path.join(OUT, "last"))
