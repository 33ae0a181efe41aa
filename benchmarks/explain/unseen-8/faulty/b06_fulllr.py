from peft import AdaLoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Seq2SeqTrainer, Trainer, TrainingArguments


def get_args(out, lr=1e-6, **more):
    return TrainingArguments(output_dir=out, learning_rate=lr, num_train_epochs=2, **more)


def main(rows):
    model = AutoModelForCausalLM.from_pretrained("EleutherAI/pythia-160m")
    cfg = AdaLoraConfig(r=8, target_modules=["query_key_value"], task_type="CAUSAL_LM", total_step=1000)
    model = get_peft_model(model, cfg)
    trainer = Trainer(model=model, args=get_args("ada"), train_dataset=rows)
    trainer.train()
    trainer.save_model("ada/last")
