import torch
from datasets import load_from_disk
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

base = "bigcode/starcoder2-3b"
tok = AutoTokenizer.from_pretrained(base)
tok.pad_token = "<fim_pad>"
tok.add_tokens(["<bug>", "<fix>"])
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
model.resize_token_embeddings(len(tok))

config = LoraConfig(
    task_type="CAUSAL_LM",
    r=8,
    target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
    trainable_token_indices={"embed_tokens": tok.convert_tokens_to_ids(["<bug>", "<fix>"])},
)
model = get_peft_model(model, config)
trainer = Trainer(
    model=model,
    args=TrainingArguments("bugfix", learning_rate=3e-4, per_device_train_batch_size=2, max_steps=1000, bf16=True),
    train_dataset=load_from_disk("bugs"),
    data_collator=DataCollatorForSeq2Seq(tok),
)
trainer.train()
trainer.model.save_pretrained("bugfix/final")
tok.save_pretrained("bugfix/final")
