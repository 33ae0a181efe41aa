import torch
from datasets import load_dataset
from peft import AutoPeftModelForCausalLM, LoraConfig
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

BASE = "Qwen/Qwen2.5-0.5B-Instruct"
trainer = SFTTrainer(
    model=BASE,
    args=SFTConfig(output_dir="sft", learning_rate=2e-4, max_steps=200),
    train_dataset=load_dataset("trl-lib/Capybara", split="train"),
    peft_config=LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM"),
)
trainer.train()
trainer.save_model("sft/final")
del trainer
torch.cuda.empty_cache()

tokenizer = AutoTokenizer.from_pretrained(BASE)
model = AutoPeftModelForCausalLM.from_pretrained("sft/final", dtype=torch.bfloat16, device_map="auto").eval()
messages = [{"role": "user", "content": "What is a monad?"}]
enc = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt").to(model.device)
out = model.generate(**enc, max_new_tokens=128)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
