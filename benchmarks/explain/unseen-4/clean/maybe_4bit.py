import argparse

import torch
from datasets import load_from_disk
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, DataCollatorForSeq2Seq, Trainer, TrainingArguments


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", default="deepseek-ai/deepseek-coder-6.7b-base")
    ap.add_argument("--load-in-4bit", action="store_true")
    ap.add_argument("--lr", type=float, default=2e-4)
    ap.add_argument("--device", default="cuda")
    args = ap.parse_args()

    quant = None
    if args.load_in_4bit:
        quant = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(args.model, quantization_config=quant, dtype=torch.bfloat16)
    if quant is not None:
        model = prepare_model_for_kbit_training(model)
    else:
        model = model.to(args.device)
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    trainer = Trainer(
        model=model,
        args=TrainingArguments("ds", learning_rate=args.lr, max_steps=300, bf16=True, logging_steps=10),
        train_dataset=load_from_disk("tokenised"),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    )
    trainer.train()
    trainer.save_model("ds/final")


if __name__ == "__main__":
    main()
