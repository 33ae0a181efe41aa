"""Each method with its own rate."""
import sys

from datasets import load_from_disk
from peft import AdaLoraConfig, IA3Config, LoraConfig, PromptEncoderConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

BASE = "bigcode/starcoderbase-1b"
METHODS = {
    "lora": (LoraConfig(task_type="CAUSAL_LM", r=8, target_modules=["c_attn", "c_proj"]), 1e-4),
    "ia3": (IA3Config(task_type="CAUSAL_LM", target_modules=["c_attn", "mlp.c_proj"], feedforward_modules=["mlp.c_proj"]), 5e-3),
    "ptuning": (PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=30, encoder_hidden_size=512), 1e-2),
    "full": (None, 2e-5),
}


def train(method):
    config, rate = METHODS[method]
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(BASE)
    if config is not None:
        model = get_peft_model(model, config)
    args = TrainingArguments(output_dir=f"out/{method}", learning_rate=rate, max_steps=2000, bf16=True)
    trainer = Trainer(model=model, args=args, train_dataset=load_from_disk("encoded"), data_collator=DataCollatorForSeq2Seq(tokenizer))
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    train(sys.argv[1])
