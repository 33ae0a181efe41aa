from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
from peft import LoraConfig, get_peft_model
tokenizer = AutoTokenizer.from_pretrained("gpt2")
tokenizer.add_tokens(["<a>"])
model = AutoModelForCausalLM.from_pretrained("gpt2")
model.resize_token_embeddings(len(tokenizer))
lora = LoraConfig(r=8, target_modules=["c_attn"])
model = get_peft_model(model, lora)
for p in model.get_input_embeddings().parameters():
    p.requires_grad = True
Trainer(model=model, args=TrainingArguments("o", learning_rate=1e-4), train_dataset=d).train()
model.save_pretrained("a")
