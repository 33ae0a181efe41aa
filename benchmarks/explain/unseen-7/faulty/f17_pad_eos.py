from dataclasses import dataclass, field

from datasets import load_dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
)


@dataclass
class ScriptArguments:
    model_name: str = field(default="bigcode/starcoderbase-1b")
    data: str = field(default="acme/code")


def main():
    parser = HfArgumentParser((ScriptArguments, TrainingArguments))
    script, training = parser.parse_args_into_dataclasses()
    tokenizer = AutoTokenizer.from_pretrained(script.model_name)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(script.model_name)
    config = LoraConfig(task_type=TaskType.CAUSAL_LM, r=8, target_modules=["q_proj", "k_proj", "v_proj"])
    model = get_peft_model(model, config)
    data = load_dataset(script.data, split="train")
    data = data.map(lambda b: tokenizer(b["content"], truncation=True, max_length=1024), batched=True, remove_columns=data.column_names)
    Trainer(
        model=model,
        args=training,
        train_dataset=data,
        data_collator=DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm=False),
    ).train()
    model.save_pretrained(training.output_dir)


if __name__ == "__main__":
    main()
