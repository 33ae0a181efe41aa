"""Supervised tuning with TRL, settings in a dict."""
import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

CONFIG = {
    "model": "Qwen/Qwen2.5-1.5B-Instruct",
    "data": "trl-lib/Capybara",
    "lora": {"r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "target_modules": "all-linear", "task_type": "CAUSAL_LM"},
    "train": {"output_dir": "sft", "learning_rate": 2e-4, "num_train_epochs": 1, "per_device_train_batch_size": 2, "bf16": True},
}

model = AutoModelForCausalLM.from_pretrained(CONFIG["model"], dtype=torch.bfloat16)
tokenizer = AutoTokenizer.from_pretrained(CONFIG["model"])
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(**CONFIG["train"]),
    train_dataset=load_dataset(CONFIG["data"], split="train"),
    processing_class=tokenizer,
    peft_config=LoraConfig(**CONFIG["lora"]),
)
trainer.train()
trainer.save_model()
