from peft import PeftModel
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


class Continue:
    def __init__(self):
        base = AutoModelForCausalLM.from_pretrained("gpt2")
        self.model = PeftModel.from_pretrained(base, "me/gpt2-lora")

    def go(self, dataset):
        trainer = Trainer(self.model, TrainingArguments("more", learning_rate=2e-4), train_dataset=dataset)
        trainer.train()
        self.model.save_pretrained("more")
