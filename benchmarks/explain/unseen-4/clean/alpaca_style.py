import os
import sys
from typing import List

import fire
import torch
import transformers
from datasets import load_dataset
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from transformers import AutoModelForCausalLM, AutoTokenizer


def prompt_of(p):
    return f"### Instruction:\n{p['instruction']}\n\n### Input:\n{p.get('input', '')}\n\n### Response:\n"


def train(
    base_model: str = "Qwen/Qwen2.5-Coder-1.5B",
    data_path: str = "alpaca.json",
    output_dir: str = "./lora-alpaca",
    batch_size: int = 128,
    micro_batch_size: int = 4,
    learning_rate: float = 3e-4,
    cutoff_len: int = 512,
    lora_target_modules: List[str] = ["q_proj", "v_proj"],
    train_on_inputs: bool = True,
):
    device_map = "auto"
    world_size = int(os.environ.get("WORLD_SIZE", 1))
    if world_size != 1:
        device_map = {"": int(os.environ.get("LOCAL_RANK") or 0)}
    model = AutoModelForCausalLM.from_pretrained(base_model, dtype=torch.bfloat16, device_map=device_map)
    tokenizer = AutoTokenizer.from_pretrained(base_model)

    def tokenize(text, add_eos=True):
        result = tokenizer(text, truncation=True, max_length=cutoff_len, padding=False)
        if result["input_ids"][-1] != tokenizer.eos_token_id and len(result["input_ids"]) < cutoff_len and add_eos:
            result["input_ids"].append(tokenizer.eos_token_id)
            result["attention_mask"].append(1)
        result["labels"] = result["input_ids"].copy()
        return result

    def generate_and_tokenize_prompt(point):
        full = tokenize(prompt_of(point) + point["output"])
        if not train_on_inputs:
            n = len(tokenize(prompt_of(point), add_eos=False)["input_ids"])
            full["labels"] = [-100] * n + full["labels"][n:]
        return full

    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, lora_dropout=0.05, target_modules=lora_target_modules, task_type="CAUSAL_LM"))
    data = load_dataset("json", data_files=data_path)["train"].shuffle().map(generate_and_tokenize_prompt)
    trainer = transformers.Trainer(
        model=model,
        train_dataset=data,
        args=transformers.TrainingArguments(
            per_device_train_batch_size=micro_batch_size,
            gradient_accumulation_steps=batch_size // micro_batch_size // world_size,
            warmup_steps=100,
            num_train_epochs=3,
            learning_rate=learning_rate,
            bf16=True,
            logging_steps=10,
            output_dir=output_dir,
            ddp_find_unused_parameters=False if world_size > 1 else None,
        ),
        data_collator=transformers.DataCollatorForSeq2Seq(tokenizer, pad_to_multiple_of=8, return_tensors="pt", padding=True),
    )
    model.config.use_cache = False
    if torch.__version__ >= "2" and sys.platform != "win32":
        model = torch.compile(model)
    trainer.train()
    model.save_pretrained(output_dir)


if __name__ == "__main__":
    fire.Fire(train)
