from peft import LoraConfig
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
args = SFTConfig(output_dir="out", learning_rate=1e-5, num_train_epochs=3)
SFTTrainer(model=model, args=args, train_dataset=rows, peft_config=LoraConfig(r=16)).train()
