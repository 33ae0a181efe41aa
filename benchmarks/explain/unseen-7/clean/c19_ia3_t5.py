from functools import partial

from datasets import load_dataset
from peft import IA3Config, get_peft_model
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
)

CONFIG = {
    "model": "Salesforce/codet5p-220m",
    "ia3": {"task_type": "SEQ_2_SEQ_LM", "target_modules": ["k", "v", "wo"], "feedforward_modules": ["wo"]},
    "train": {"output_dir": "ia3", "learning_rate": 3e-3, "per_device_train_batch_size": 16, "predict_with_generate": True, "generation_max_length": 64},
}


def encode(rows, tokenizer):
    out = tokenizer(rows["code"], max_length=320, truncation=True)
    out["labels"] = tokenizer(text_target=rows["docstring"], max_length=64, truncation=True)["input_ids"]
    return out


def main(config=CONFIG):
    tokenizer = AutoTokenizer.from_pretrained(config["model"])
    model = get_peft_model(AutoModelForSeq2SeqLM.from_pretrained(config["model"]), IA3Config(**config["ia3"]))
    data = load_dataset("acme/docstrings").map(partial(encode, tokenizer=tokenizer), batched=True, remove_columns=["code", "docstring"])
    trainer = Seq2SeqTrainer(
        model=model,
        args=Seq2SeqTrainingArguments(**config["train"]),
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
        processing_class=tokenizer,
    )
    trainer.train()
    model.save_pretrained("ia3/final")


if __name__ == "__main__":
    main()
