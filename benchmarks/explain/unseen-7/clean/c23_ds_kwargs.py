import os
import sys

import yaml
from datasets import load_dataset
from peft import get_peft_model
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments


def main(path):
    with open(path) as handle:
        cfg = yaml.safe_load(handle)
    tokenizer = AutoTokenizer.from_pretrained(cfg["model"], **cfg.get("tokenizer", {}))
    model = AutoModelForCausalLM.from_pretrained(cfg["model"], **cfg.get("load", {}))
    kind = cfg["peft"].pop("peft_type")
    model = get_peft_model(model, PEFT_TYPE_TO_CONFIG_MAPPING[kind](**cfg["peft"]))
    data = load_dataset(**cfg["data"])

    def encode(row):
        prompt = tokenizer(row["prompt"], add_special_tokens=False)["input_ids"]
        answer = tokenizer(row["answer"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        return {"input_ids": prompt + answer, "attention_mask": [1] * (len(prompt) + len(answer)), "labels": [-100] * len(prompt) + answer}

    data = data.map(encode, remove_columns=data.column_names)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    trainer = Trainer(model=model, args=TrainingArguments(**cfg["train"]), train_dataset=data, data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100))
    trainer.train(resume_from_checkpoint=os.environ.get("RESUME"))
    trainer.save_model()


if __name__ == "__main__":
    main(sys.argv[1])
