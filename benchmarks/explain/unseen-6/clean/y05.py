import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model, PeftModel, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, DataCollatorForSeq2Seq, Trainer, TrainingArguments

NAME = "Qwen/Qwen2.5-Coder-7B-Instruct"
tok = AutoTokenizer.from_pretrained(NAME)


def train():
    q = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(NAME, quantization_config=q, device_map={"": 0})
    model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=True)
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))

    def rows(r):
        head = tok.apply_chat_template([{"role": "user", "content": r["q"]}], add_generation_prompt=True, tokenize=False)
        h = tok(head, add_special_tokens=False)["input_ids"]
        t = tok(r["a"] + tok.eos_token, add_special_tokens=False)["input_ids"]
        return {"input_ids": h + t, "attention_mask": [1] * len(h + t), "labels": [-100] * len(h) + t}

    ds = load_dataset("json", data_files="qa.jsonl", split="train")
    ds = ds.map(rows, remove_columns=ds.column_names)
    Trainer(
        model=model,
        args=TrainingArguments("qa", learning_rate=2e-4, per_device_train_batch_size=1, gradient_accumulation_steps=8, num_train_epochs=2, bf16=True),
        train_dataset=ds,
        data_collator=DataCollatorForSeq2Seq(tok),
    ).train()
    model.save_pretrained("qa/adapter")


def merge():
    base = AutoModelForCausalLM.from_pretrained(NAME, dtype=torch.bfloat16, device_map="cpu")
    merged = PeftModel.from_pretrained(base, "qa/adapter").merge_and_unload()
    merged.save_pretrained("qa/merged")
    tok.save_pretrained("qa/merged")


if __name__ == "__main__":
    train()
    torch.cuda.empty_cache()
    merge()
