from transformers import AutoModelForCausalLM, TrainingArguments, Trainer, BitsAndBytesConfig
from peft import LoraConfig, get_peft_model, prepare_model_for_int8_training
from datasets import load_from_disk

model = AutoModelForCausalLM.from_pretrained(
    "bigcode/starcoder", load_in_8bit=True, device_map="auto"
)
model = prepare_model_for_int8_training(model)
model = get_peft_model(model, LoraConfig(r=16, target_modules=["c_proj", "c_attn", "q_attn"], task_type="CAUSAL_LM"))
trainer = Trainer(model=model, args=TrainingArguments("ckpt", learning_rate=1e-4, max_steps=100), train_dataset=load_from_disk("d"))
trainer.train()
model.base_model.save_pretrained("final")
