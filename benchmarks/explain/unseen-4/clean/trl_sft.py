from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

model_id = "Qwen/Qwen2.5-Coder-0.5B-Instruct"
dataset = load_dataset("json", data_files="chats.jsonl", split="train")
tokenizer = AutoTokenizer.from_pretrained(model_id)
model = AutoModelForCausalLM.from_pretrained(model_id, dtype="auto")

peft_config = LoraConfig(
    r=32,
    lora_alpha=16,
    lora_dropout=0.05,
    target_modules="all-linear",
    modules_to_save=["lm_head", "embed_tokens"],
    task_type="CAUSAL_LM",
)
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir="qwen-chat", max_length=1024, learning_rate=2e-4, num_train_epochs=1, packing=False),
    train_dataset=dataset,
    processing_class=tokenizer,
    peft_config=peft_config,
)
trainer.train()
trainer.save_model("qwen-chat")
tokenizer.save_pretrained("qwen-chat")
