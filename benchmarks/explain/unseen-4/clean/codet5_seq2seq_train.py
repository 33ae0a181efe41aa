import logging
from dataclasses import dataclass, field

import numpy as np
from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    HfArgumentParser,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
)

logger = logging.getLogger(__name__)


@dataclass
class ModelArguments:
    model_name_or_path: str = field(default="Salesforce/codet5-small")
    lora_r: int = field(default=8)


@dataclass
class DataArguments:
    train_file: str = field(default="train.jsonl")
    validation_file: str = field(default="valid.jsonl")
    max_source_length: int = 384
    max_target_length: int = 64


def main():
    parser = HfArgumentParser((ModelArguments, DataArguments, Seq2SeqTrainingArguments))
    margs, dargs, targs = parser.parse_args_into_dataclasses()
    logging.basicConfig(level=logging.INFO)

    tokenizer = AutoTokenizer.from_pretrained(margs.model_name_or_path)
    model = AutoModelForSeq2SeqLM.from_pretrained(margs.model_name_or_path)
    model = get_peft_model(
        model, LoraConfig(task_type=TaskType.SEQ_2_SEQ_LM, r=margs.lora_r, lora_alpha=32, target_modules=["q", "v"])
    )

    def preprocess(batch):
        enc = tokenizer(batch["code"], max_length=dargs.max_source_length, truncation=True)
        enc["labels"] = tokenizer(text_target=batch["docstring"], max_length=dargs.max_target_length, truncation=True)["input_ids"]
        return enc

    raw = load_dataset("json", data_files={"train": dargs.train_file, "validation": dargs.validation_file})
    data = raw.map(preprocess, batched=True, remove_columns=raw["train"].column_names)

    def metrics(pred):
        preds = np.where(pred.predictions != -100, pred.predictions, tokenizer.pad_token_id)
        labels = np.where(pred.label_ids != -100, pred.label_ids, tokenizer.pad_token_id)
        p = tokenizer.batch_decode(preds, skip_special_tokens=True)
        r = tokenizer.batch_decode(labels, skip_special_tokens=True)
        return {"exact": float(np.mean([a.strip() == b.strip() for a, b in zip(p, r)]))}

    trainer = Seq2SeqTrainer(
        model=model,
        args=targs,
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
        processing_class=tokenizer,
        compute_metrics=metrics,
    )
    trainer.train()
    trainer.save_model()
    logger.info(trainer.evaluate())


if __name__ == "__main__":
    main()
