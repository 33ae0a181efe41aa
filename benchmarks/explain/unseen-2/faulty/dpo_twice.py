from datasets import load_dataset
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
policy = PeftModel.from_pretrained(base, "runs/sft", is_trainable=True)
tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
peft_config = LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")
trainer = DPOTrainer(
    policy,
    args=DPOConfig(output_dir="dpo", beta=0.1),
    train_dataset=load_dataset("json", data_files="pairs.jsonl", split="train"),
    processing_class=tokenizer,
    peft_config=peft_config,
)
trainer.train()
trainer.save_model("dpo/final")
