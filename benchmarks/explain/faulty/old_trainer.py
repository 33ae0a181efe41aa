from transformers import AdamW, AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

tokenizer = AutoTokenizer.from_pretrained("gpt2", use_auth_token=True)
model = AutoModelForCausalLM.from_pretrained("gpt2")
encoded = tokenizer.batch_encode_plus(["a", "b"], return_tensors="np")
trainer = Trainer(
    model=model,
    args=TrainingArguments("out", learning_rate=5e-5),
    tokenizer=tokenizer,
    optimizers=(AdamW(model.parameters(), lr=5e-5), None),
)
trainer.train()
