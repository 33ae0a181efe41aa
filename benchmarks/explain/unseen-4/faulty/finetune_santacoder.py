import argparse

from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
    set_seed,
)


def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_path", type=str, default="bigcode/gpt_bigcode-santacoder")
    parser.add_argument("--dataset_name", type=str, default="bigcode/the-stack-smol")
    parser.add_argument("--seq_length", type=int, default=1024)
    parser.add_argument("--batch_size", type=int, default=2)
    parser.add_argument("--learning_rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output_dir", type=str, default="./checkpoints")
    return parser.parse_args()


def lora(model):
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
        lora_dropout=0.05,
        bias="none",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def main(args):
    set_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained("bigcode/gpt_bigcode-santacoder")
    tokenizer.pad_token = tokenizer.eos_token
    model = lora(AutoModelForCausalLM.from_pretrained("bigcode/gpt_bigcode-santacoder"))

    def tokenize(batch):
        texts = [t + tokenizer.eos_token for t in batch["content"]]
        return tokenizer(texts, truncation=True, max_length=args.seq_length)

    data = load_dataset(args.dataset_name, data_dir="data/python", split="train")
    data = data.map(tokenize, batched=True, remove_columns=data.column_names)

    training_args = TrainingArguments(
        output_dir=args.output_dir,
        per_device_train_batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        max_steps=1000,
        logging_steps=10,
        report_to="none",
    )
    collator = DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm=False)
    trainer = Trainer(model=model, args=training_args, train_dataset=data, data_collator=collator)
    trainer.train()
    model.save_pretrained(args.output_dir)


if __name__ == "__main__":
    main(get_args())
