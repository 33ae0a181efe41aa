import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

model_id = "Qwen/Qwen2.5-Coder-1.5B"
lora = dict(r=16, lora_alpha=32, lora_dropout=0.05, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")


def load_model():
    model = AutoModelForCausalLM.from_pretrained(model_id, dtype=torch.bfloat16)
    return get_peft_model(model, LoraConfig(**lora))


def main():
    model = load_model()
    model = get_peft_model(model, LoraConfig(**lora))
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(output_dir="out", learning_rate=2e-4, max_length=1024),
        train_dataset=load_dataset("acme/commits", split="train"),
        processing_class=AutoTokenizer.from_pretrained(model_id),
    )
    trainer.train()
    trainer.save_model("out/final")


if __name__ == "__main__":
    main()
