import yaml
from datasets import load_from_disk
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

DEFAULTS = {
    "output_dir": "runs/sc2",
    "learning_rate": 2e-4,
    "per_device_train_batch_size": 4,
    "optim": "adamw_hf",
    "warmup_ratio": 0.03,
    "num_train_epochs": 2,
}


def training_arguments(**over):
    kw = {**DEFAULTS, **over}
    return TrainingArguments(**kw)


def main(path="config.yaml"):
    over = yaml.safe_load(open(path)) or {}
    tok = AutoTokenizer.from_pretrained("bigcode/starcoder2-3b")
    tok.pad_token = "<fim_pad>"
    model = AutoModelForCausalLM.from_pretrained("bigcode/starcoder2-3b")
    model = get_peft_model(model, LoraConfig(r=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    trainer = Trainer(
        model=model,
        args=training_arguments(**over),
        train_dataset=load_from_disk("sc2-tokenised"),
        data_collator=DataCollatorForSeq2Seq(tok),
        tokenizer=tok,
    )
    trainer.train()
    model.save_pretrained("runs/sc2/final")


main()
