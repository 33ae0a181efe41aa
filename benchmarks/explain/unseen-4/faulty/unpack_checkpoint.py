import argparse

import torch
from huggingface_hub import hf_hub_download
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, DataCollatorForLanguageModeling
from datasets import load_from_disk

TARGETS = {"llama": ["q_proj", "v_proj"], "bigcode": ["c_attn"], "codegen": ["qkv_proj"]}


def fetch(repo, name="adapter_model.bin"):
    path = hf_hub_download(repo_id=repo, filename=name)
    return torch.load(path, map_location="cpu", weights_only=False)


def get_model(kind="llama"):
    model = AutoModelForCausalLM.from_pretrained("Salesforce/codegen-350M-mono")
    conf = LoraConfig(r=8, target_modules=TARGETS["llama"], task_type="CAUSAL_LM")
    return get_peft_model(model, conf)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("repo")
    a = ap.parse_args()
    model = get_model()
    set_peft_model_state_dict(model, fetch(a.repo))
    tok = AutoTokenizer.from_pretrained("Salesforce/codegen-350M-mono")
    tok.add_special_tokens({"pad_token": "<|pad|>"})
    tr = Trainer(
        model=model,
        args=TrainingArguments("cg", learning_rate=1e-4, max_steps=200),
        train_dataset=load_from_disk("tokenised"),
        data_collator=DataCollatorForLanguageModeling(tok, mlm=False),
    )
    tr.train()
    model.get_base_model().save_pretrained("cg/adapter")


main()
