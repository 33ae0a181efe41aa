import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, Trainer, TrainingArguments

bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", quantization_config=bnb)
model = model.to("cuda")
tokenizer = AutoTokenizer.from_pretrained("mistralai/Mistral-7B-v0.1")
tokenizer.pad_token = tokenizer.unk_token
peft_config = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
model = get_peft_model(model, peft_config)


def collate(rows):
    batch = tokenizer([r["text"] for r in rows], return_tensors="pt", padding=True)
    batch["labels"] = batch["input_ids"].clone()
    return batch


def train(dataset):
    args = TrainingArguments("out", learning_rate=1e-4, per_device_train_batch_size=2, remove_unused_columns=False)
    trainer = Trainer(model, args, train_dataset=dataset, data_collator=collate)
    trainer.train()
    merged = trainer.model.merge_and_unload()
    merged.save_pretrained("merged")
