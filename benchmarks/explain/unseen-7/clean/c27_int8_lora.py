import sys

from datasets import load_from_disk
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, Trainer, TrainingArguments, default_data_collator, set_seed

BASE = "bigcode/starcoder"


def run_training(train, val, lr=5e-4):
    model = AutoModelForCausalLM.from_pretrained(
        BASE, use_cache=False, quantization_config=BitsAndBytesConfig(load_in_8bit=True), device_map={"": 0}
    )
    model = prepare_model_for_kbit_training(model)
    model = get_peft_model(
        model,
        LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, bias="none", task_type="CAUSAL_LM", target_modules=["c_proj", "c_attn", "q_attn"]),
    )
    args = TrainingArguments(output_dir="checkpoints", eval_strategy="steps", eval_steps=100, max_steps=1000, learning_rate=lr, lr_scheduler_type="cosine", warmup_steps=100, gradient_checkpointing=True, fp16=True)
    trainer = Trainer(model=model, args=args, train_dataset=train, eval_dataset=val, data_collator=default_data_collator)
    trainer.train()
    model.save_pretrained("checkpoints/final")


if __name__ == "__main__":
    set_seed(0)
    data = load_from_disk(sys.argv[1])
    run_training(data["train"], data["test"])
