import argparse

from datasets import load_dataset
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)


class Sample(TrainerCallback):
    """Prints a sample now and then."""

    def __init__(self, tokenizer, prompt):
        self.tokenizer, self.prompt = tokenizer, prompt

    def on_evaluate(self, args, state, control, model=None, **kwargs):
        was = model.training
        model.eval()
        enc = self.tokenizer(self.prompt, return_tensors="pt").to(model.device)
        out = model.generate(**enc, max_new_tokens=40, use_cache=True)
        print(self.prompt + self.tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
        model.train(was)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", default="Salesforce/codegen-350M-multi")
    ap.add_argument("--lr", type=float, default=2e-5)
    ap.add_argument("--out", default="codegen-full")
    a = ap.parse_args()
    tok = AutoTokenizer.from_pretrained(a.model)
    tok.add_special_tokens({"pad_token": "<pad>"})
    model = AutoModelForCausalLM.from_pretrained(a.model)
    model.resize_token_embeddings(len(tok))
    ds = load_dataset("json", data_files="code.jsonl", split="train")
    ds = ds.map(lambda b: tok([c + tok.eos_token for c in b["code"]], truncation=True, max_length=1024), batched=True, remove_columns=ds.column_names)
    ds = ds.train_test_split(0.05, seed=0)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            a.out, learning_rate=a.lr, num_train_epochs=2, eval_strategy="steps", eval_steps=500, warmup_steps=100,
            per_device_train_batch_size=4, gradient_checkpointing=True, bf16=True, report_to="none",
        ),
        train_dataset=ds["train"],
        eval_dataset=ds["test"],
        data_collator=DataCollatorForLanguageModeling(tok, mlm=False),
        processing_class=tok,
        callbacks=[Sample(tok, "def fib(n):")],
    )
    trainer.train()
    trainer.save_model()
    model.save_pretrained(a.out + "/last")


if __name__ == "__main__":
    main()
