from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

peft_config = LoraConfig(r=8, target_modules=["q_proj", "query_key_value"])
trainer = SFTTrainer(
    model="Qwen/Qwen2.5-0.5B",
    args=SFTConfig(output_dir="out", learning_rate=2e-4),
    train_dataset=rows,
    peft_config=peft_config,
)
trainer.train()
