from datasets import Dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

tok = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
model = get_peft_model(model, LoraConfig(task_type=TaskType.CAUSAL_LM, target_modules=["q_proj", "v_proj"]))

def preprocess(examples):
    out = tok(examples["text"], padding="max_length", truncation=True, max_length=256)
    out["labels"] = out["input_ids"].copy()
    return out

ds = Dataset.from_json("rows.jsonl").map(preprocess, batched=True)
args = TrainingArguments(output_dir="o", learning_rate=2e-5, num_train_epochs=3, per_device_train_batch_size=8, seed=1)
trainer = Trainer(model=model, args=args, train_dataset=ds)
trainer.train()
trainer.save_model()
