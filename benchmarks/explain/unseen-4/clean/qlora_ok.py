import argparse
import os

import torch
from datasets import load_dataset
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)


def quantised(name):
    cfg = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(name, quantization_config=cfg, device_map={"": int(os.environ.get("LOCAL_RANK", 0))})
    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=True)


def tune(name, data, out):
    tok = AutoTokenizer.from_pretrained(name)
    tok.pad_token = tok.unk_token
    model = get_peft_model(
        quantised(name),
        LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM"),
    )

    def prep(r):
        p = tok(r["instruction"]).input_ids
        c = tok("\n" + r["output"], add_special_tokens=False).input_ids + [tok.eos_token_id]
        return {"input_ids": p + c, "labels": [-100] * len(p) + c}

    ds = load_dataset(data, split="train")
    trainer = Trainer(
        model=model,
        args=TrainingArguments(out, per_device_train_batch_size=2, gradient_accumulation_steps=8, learning_rate=2e-4,
                               max_steps=400, bf16=True, optim="paged_adamw_8bit", gradient_checkpointing=True),
        train_dataset=ds.map(prep, remove_columns=ds.column_names),
        data_collator=DataCollatorForSeq2Seq(tok),
    )
    trainer.train()
    trainer.save_model(out)
    tok.save_pretrained(out)


def merge(name, out):
    # never into the 4-bit weights: load the base once more in bf16
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16, device_map="cpu")
    model = PeftModel.from_pretrained(model, out)
    model = model.merge_and_unload()
    model.save_pretrained(os.path.join(out, "merged"))


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("step", choices=["tune", "merge"])
    ap.add_argument("--name", default="codellama/CodeLlama-7b-hf")
    ap.add_argument("--data", default="sahil2801/CodeAlpaca-20k")
    ap.add_argument("--out", default="cl7b-qlora")
    a = ap.parse_args()
    tune(a.name, a.data, a.out) if a.step == "tune" else merge(a.name, a.out)
