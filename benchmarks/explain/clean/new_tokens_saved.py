from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
tokenizer.add_tokens(["<think>", "</think>"])
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
model.resize_token_embeddings(len(tokenizer))
config = LoraConfig(
    r=8, target_modules=["q_proj", "v_proj"], modules_to_save=["embed_tokens", "lm_head"], task_type="CAUSAL_LM"
)
model = get_peft_model(model, config)
Trainer(model=model, args=TrainingArguments("out", learning_rate=1e-4), train_dataset=data).train()
model.save_pretrained("adapter")
