from dataclasses import dataclass
import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, DataCollatorForLanguageModeling


@dataclass
class Cfg:
    base: str = "Salesforce/codegen-2B-mono"
    lr: float = 1e-4


def build(cfg):
    tok = AutoTokenizer.from_pretrained(cfg.base)
    tok.add_special_tokens({"pad_token": "[PAD]"})
    model = AutoModelForCausalLM.from_pretrained(cfg.base, dtype=torch.bfloat16)
    model.resize_token_embeddings(len(tok))
    return tok, model


cfg = Cfg()
tok, model = build(cfg)
targets = ["q_proj", "v_proj"]
lora = LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM")
model = get_peft_model(model, lora)
ds = load_dataset("json", data_files="a.jsonl", split="train").map(lambda r: tok(r["t"], truncation=True, max_length=512), remove_columns=["t"])
common = dict(output_dir="o", learning_rate=cfg.lr, bf16=True, overwrite_output_dir=True)
args = TrainingArguments(**common, per_device_train_batch_size=2)
Trainer(model=model, args=args, train_dataset=ds, data_collator=DataCollatorForLanguageModeling(tok, mlm=False)).train()
model.save_pretrained("o")
