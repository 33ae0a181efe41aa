import sys

from datasets import load_from_disk
from peft import IA3Config, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

base = "meta-llama/Llama-3.2-1B"
common = {"per_device_train_batch_size": 2, "num_train_epochs": 1, "bf16": True}


def ia3():
    model = AutoModelForCausalLM.from_pretrained(base)
    cfg = IA3Config(task_type="CAUSAL_LM", target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"])
    model = get_peft_model(model, cfg)
    args = TrainingArguments(output_dir="ia3", learning_rate=1e-5, **common)
    fit(model, args)
    model.save_pretrained("ia3")


def fit(model, args):
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.pad_token = "<|finetune_right_pad_id|>"
    Trainer(model=model, args=args, train_dataset=load_from_disk("data"), data_collator=DataCollatorForSeq2Seq(tokenizer)).train()


if __name__ == "__main__":
    ia3()
