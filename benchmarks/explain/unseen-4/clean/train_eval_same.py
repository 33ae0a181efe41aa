import json

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

base = "bigcode/tiny_starcoder_py"
tok = AutoTokenizer.from_pretrained(base)
tok.pad_token = tok.eos_token  # Seq2Seq collator pads labels with -100 of its own


def build_prompt(question):
    return f"Question: {question}\n\nAnswer:"


def encode(r):
    p = tok(build_prompt(r["question"])).input_ids
    a = tok(" " + r["answer"] + tok.eos_token).input_ids
    return {"input_ids": p + a, "attention_mask": [1] * (len(p) + len(a)), "labels": [-100] * len(p) + a}


def tune(rows):
    model = AutoModelForCausalLM.from_pretrained(base)
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, lora_dropout=0.1, target_modules=["c_attn"], task_type="CAUSAL_LM"))
    Trainer(
        model=model,
        args=TrainingArguments("qa", learning_rate=5e-4, num_train_epochs=5, logging_steps=5, report_to="none"),
        train_dataset=Dataset.from_list(rows).map(encode, remove_columns=["question", "answer"]),
        data_collator=DataCollatorForSeq2Seq(tok),
    ).train()
    return model


def ask(model, question):
    model.eval()
    enc = tok(build_prompt(question), return_tensors="pt").to(model.device)
    with torch.no_grad():
        out = model.generate(**enc, max_new_tokens=60, pad_token_id=tok.eos_token_id)
    return tok.decode(out[0][enc["input_ids"].shape[1]:], skip_special_tokens=True).strip()


if __name__ == "__main__":
    rows = json.load(open("qa.json"))
    model = tune(rows[:-10])
    for r in rows[-10:]:
        print(r["question"], "->", ask(model, r["question"]))
    model.save_pretrained("qa/adapter")
