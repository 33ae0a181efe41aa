from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


class Tuning:
    def __init__(self, name):
        self.base = AutoModelForCausalLM.from_pretrained(name)
        self.model = get_peft_model(self.base, LoraConfig(r=8, target_modules=["q_proj"]))

    def run(self, rows):
        trainer = Trainer(model=self.model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=rows)
        trainer.train()
        self.base.save_pretrained("final")


Tuning("meta-llama/Llama-3.2-1B").run([])
