from datasets import load_from_disk
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
new = ["<think>", "</think>", "<answer>", "</answer>"]
tokenizer.add_tokens(new, special_tokens=True)
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
model.resize_token_embeddings(len(tokenizer))
config = LoraConfig(
    r=16,
    target_modules="all-linear",
    trainable_token_indices={"embed_tokens": tokenizer.convert_tokens_to_ids(new)},
    task_type="CAUSAL_LM",
)
model = get_peft_model(model, config)
trainer = Trainer(
    model=model,
    args=TrainingArguments(output_dir="out", learning_rate=2e-4, max_steps=1000),
    train_dataset=load_from_disk("encoded"),
    data_collator=DataCollatorForSeq2Seq(tokenizer),
)
trainer.train()
trainer.save_model("out/final")
tokenizer.save_pretrained("out/final")
