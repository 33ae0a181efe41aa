from dataclasses import dataclass, field

import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, HfArgumentParser, Trainer, TrainingArguments


@dataclass
class ModelArguments:
    model: str = field(default="Qwen/Qwen2.5-0.5B")
    rank: int = 16
    targets: list[str] = field(default_factory=lambda: ["q_proj", "v_proj"])


def main():
    model_args, training_args = HfArgumentParser((ModelArguments, TrainingArguments)).parse_args_into_dataclasses()
    tokenizer = AutoTokenizer.from_pretrained(model_args.model)
    model = AutoModelForCausalLM.from_pretrained(model_args.model, dtype=torch.bfloat16)
    config = LoraConfig(r=model_args.rank, lora_alpha=2 * model_args.rank, target_modules=model_args.targets, task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    data = load_dataset("json", data_files="train.jsonl", split="train")

    def encode(row):
        prompt = tokenizer(row["prompt"]).input_ids
        answer = tokenizer(row["answer"] + tokenizer.eos_token, add_special_tokens=False).input_ids
        return {"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer}

    trainer = Trainer(model=model, args=training_args, train_dataset=data.map(encode), data_collator=DataCollatorForSeq2Seq(tokenizer))
    trainer.train(resume_from_checkpoint=training_args.resume_from_checkpoint)
    trainer.save_model()
    tokenizer.save_pretrained(training_args.output_dir)


if __name__ == "__main__":
    main()
