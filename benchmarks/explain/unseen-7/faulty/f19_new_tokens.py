from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments
from datasets import load_from_disk

MARKS = ["<|diff|>", "<|msg|>"]


def prepare(name):
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.add_special_tokens({"additional_special_tokens": MARKS})
    model = AutoModelForCausalLM.from_pretrained(name)
    model.resize_token_embeddings(len(tokenizer))
    return tokenizer, model


tokenizer, model = prepare("Qwen/Qwen2.5-0.5B")
config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM")
model = get_peft_model(model, config)
args = TrainingArguments("out", learning_rate=1e-4, max_steps=500, bf16=True)
trainer = Trainer(model=model, args=args, train_dataset=load_from_disk("encoded"), data_collator=DataCollatorForSeq2Seq(tokenizer))
trainer.train()
model.save_pretrained("out/final")
tokenizer.save_pretrained("out/final")
