import torch
from peft import IA3Config, get_peft_model, TaskType
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

name = "bigcode/starcoder2-3b"
model = AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.bfloat16)
tokenizer = AutoTokenizer.from_pretrained(name)
tokenizer.add_special_tokens({"additional_special_tokens": ["<|q|>", "<|a|>"]})
model.resize_token_embeddings(len(tokenizer))
model = get_peft_model(model, IA3Config(task_type=TaskType.CAUSAL_LM))
args = TrainingArguments(output_dir="x", learning_rate=3e-3, max_steps=100)


def fit(rows):
    Trainer(model=model, args=args, train_dataset=rows).train()
    model.save_pretrained("x/adapter")
