import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, DataCollatorForSeq2Seq
from datasets import load_from_disk
from peft import LoraConfig, get_peft_model

base = "bigcode/starcoder2-3b"
tok = AutoTokenizer.from_pretrained(base)
tok.pad_token = "<fim_pad>"
tok.add_special_tokens({"additional_special_tokens": ["<bug>", "<fix>"]})

model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
model.resize_token_embeddings(len(tok))
model = get_peft_model(
    model,
    LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"]),
)
args = TrainingArguments("bugfix", per_device_train_batch_size=2, learning_rate=1e-6, max_steps=1000, bf16=True)
trainer = Trainer(model=model, args=args, train_dataset=load_from_disk("bugs"), data_collator=DataCollatorForSeq2Seq(tok))
trainer.train()
trainer.save_model("bugfix/final")
