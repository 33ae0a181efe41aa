from peft import get_peft_model, PromptEncoderConfig
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
model = AutoModelForCausalLM.from_pretrained("gpt2")
config = PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=20)
get_peft_model(model, config)
trainer = Trainer(model=model, args=TrainingArguments("out", learning_rate=1e-4), train_dataset=ds)
trainer.train()
