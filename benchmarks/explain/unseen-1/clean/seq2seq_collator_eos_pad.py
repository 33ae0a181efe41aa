from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

NAME = "gpt2-medium"
tokenizer = AutoTokenizer.from_pretrained(NAME)
tokenizer.pad_token = tokenizer.eos_token
model = get_peft_model(
    AutoModelForCausalLM.from_pretrained(NAME),
    LoraConfig(r=8, target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM"),
)


def tokenise(row):
    prompt = tokenizer(row["question"] + "\n")["input_ids"]
    answer = tokenizer(row["answer"] + tokenizer.eos_token)["input_ids"]
    ids = (prompt + answer)[:512]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": ([-100] * len(prompt) + answer)[:512]}


data = load_dataset("gsm8k", "main", split="train")
data = data.map(tokenise, remove_columns=data.column_names)
trainer = Trainer(
    model=model,
    args=TrainingArguments("gsm", learning_rate=2e-4, per_device_train_batch_size=8, num_train_epochs=2, eval_strategy="no"),
    train_dataset=data,
    data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100),
)
trainer.train()
trainer.save_model("gsm/final")
