import argparse

import torch
from datasets import load_dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer, TrainingArguments


def load_stage_one(path, base):
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    return PeftModel.from_pretrained(model, path, is_trainable=True)


def add_lora(model, r):
    config = LoraConfig(r=r, lora_alpha=2 * r, target_modules=["c_attn", "c_proj"], task_type="CAUSAL_LM")
    return get_peft_model(model, config)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--stage1", default="out/stage1")
    ap.add_argument("--base", default="bigcode/starcoderbase-1b")
    ap.add_argument("--r", type=int, default=8)
    args = ap.parse_args()

    tok = AutoTokenizer.from_pretrained(args.base)
    tok.pad_token = "<fim_pad>"
    stage1 = load_stage_one(args.stage1, args.base)
    model = add_lora(stage1, args.r)

    data = load_dataset("text", data_files="stage2/*.py", sample_by="document", split="train")
    data = data.map(lambda b: tok(b["text"], truncation=True, max_length=1024), batched=True, remove_columns=["text"])
    Trainer(
        model=model,
        args=TrainingArguments("out/stage2", learning_rate=1e-4, per_device_train_batch_size=2, num_train_epochs=2),
        train_dataset=data,
        data_collator=DataCollatorForLanguageModeling(tok, mlm=False),
    ).train()
    model.save_pretrained("out/stage2/final")


if __name__ == "__main__":
    main()
