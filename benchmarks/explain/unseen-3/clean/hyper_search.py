import itertools

import torch
from datasets import load_from_disk
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

NAME = "HuggingFaceTB/SmolLM2-135M"
tokenizer = AutoTokenizer.from_pretrained(NAME)
data = load_from_disk("tokenised").train_test_split(0.1, seed=0)
best = (float("inf"), None)
for rank, rate in itertools.product([4, 16], [1e-4, 5e-4]):
    model = AutoModelForCausalLM.from_pretrained(NAME, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM"))
    trainer = Trainer(
        model=model,
        args=TrainingArguments(f"search/{rank}-{rate}", learning_rate=rate, max_steps=200, report_to="none"),
        train_dataset=data["train"],
        eval_dataset=data["test"],
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    )
    trainer.train()
    loss = trainer.evaluate()["eval_loss"]
    if loss < best[0]:
        best = (loss, (rank, rate))
        model.save_pretrained("search/best")
print(best)
