import torch
from datasets import load_from_disk
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments


class LoggingTrainer(Trainer):
    def log(self, logs, *args, **kwargs):
        super().log(logs, *args, **kwargs)
        print(logs)


def main(base="facebook/opt-350m", adapter="runs/a"):
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base)
    model = PeftModel.from_pretrained(model, adapter)
    trainer = LoggingTrainer(
        model=model,
        args=TrainingArguments("runs/b", learning_rate=2e-4, max_steps=100),
        train_dataset=load_from_disk("rows"),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    )
    trainer.train()
    model.save_pretrained("runs/b/final")


if __name__ == "__main__":
    main()
