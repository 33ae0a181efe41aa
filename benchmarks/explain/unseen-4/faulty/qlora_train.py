import argparse

import torch
from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)


def quant(bits):
    if bits == 4:
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=torch.bfloat16,
            bnb_4bit_use_double_quant=True,
        )
    return BitsAndBytesConfig(load_in_8bit=True)


def load(name, bits):
    model = AutoModelForCausalLM.from_pretrained(name, quantization_config=quant(bits), device_map={"": 0})
    config = LoraConfig(
        r=64, lora_alpha=16, lora_dropout=0.05, task_type=TaskType.CAUSAL_LM, target_modules=["q_proj", "v_proj"]
    )
    return get_peft_model(model, config)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--name", default="codellama/CodeLlama-13b-hf")
    ap.add_argument("--bits", type=int, choices=(4, 8), default=4)
    a = ap.parse_args()
    tok = AutoTokenizer.from_pretrained(a.name)
    tok.pad_token = tok.unk_token
    model = load(a.name, a.bits)

    def prep(ex):
        src = tok(ex["instruction"] + "\n").input_ids
        tgt = tok(ex["output"], add_special_tokens=False).input_ids + [tok.eos_token_id]
        return dict(input_ids=(src + tgt)[:1024], labels=([-100] * len(src) + tgt)[:1024])

    ds = load_dataset("sahil2801/CodeAlpaca-20k", split="train").map(prep, remove_columns=["instruction", "input", "output"])
    tr = Trainer(
        model=model,
        args=TrainingArguments(
            "qlora", per_device_train_batch_size=1, gradient_accumulation_steps=16, learning_rate=2e-4,
            bf16=True, optim="paged_adamw_32bit", max_steps=500, logging_steps=5,
        ),
        train_dataset=ds,
        data_collator=DataCollatorForSeq2Seq(tok, label_pad_token_id=-100),
    )
    tr.train()
    tr.model.save_pretrained("qlora/adapter")


if __name__ == "__main__":
    main()
