import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, Trainer, TrainingArguments
from transformers import DataCollatorForLanguageModeling


def quantised(name):
    bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    return AutoModelForCausalLM.from_pretrained(name, quantization_config=bnb, device_map="auto")


class Job:
    base = "mistralai/Mistral-7B-v0.1"

    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(self.base)
        self.tokenizer.pad_token = self.tokenizer.unk_token
        self.model = quantised(self.base)
        self.model = get_peft_model(self.model, LoraConfig(r=64, target_modules="all-linear", task_type="CAUSAL_LM"))

    def run(self):
        data = load_dataset("acme/text", split="train").map(lambda r: self.tokenizer(r["text"], truncation=True), remove_columns=["text"])
        trainer = Trainer(
            model=self.model,
            args=TrainingArguments(output_dir="qlora", learning_rate=2e-4, evaluation_strategy="no"),
            train_dataset=data,
            data_collator=DataCollatorForLanguageModeling(self.tokenizer, mlm=False),
        )
        trainer.train()
        self.model.save_pretrained("qlora")


Job().run()
