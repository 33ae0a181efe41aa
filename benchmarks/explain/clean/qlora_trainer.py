import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments


def build(name):
    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(name, quantization_config=config, device_map={"": 0})
    model = prepare_model_for_kbit_training(model)
    return get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))


def main():
    model = build("mistralai/Mistral-7B-v0.1")
    trainer = Trainer(model=model, args=TrainingArguments(output_dir="o", learning_rate=1e-4), train_dataset=load_rows())
    trainer.train()
    trainer.model.save_pretrained("adapter")


if __name__ == "__main__":
    main()
