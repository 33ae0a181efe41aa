from peft import PromptTuningConfig, PromptTuningInit, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, default_data_collator

name = "bigscience/bloomz-560m"
tokenizer = AutoTokenizer.from_pretrained(name)
config = PromptTuningConfig(
    task_type=TaskType.CAUSAL_LM,
    prompt_tuning_init=PromptTuningInit.TEXT,
    num_virtual_tokens=8,
    prompt_tuning_init_text="Is this tweet a complaint?",
    tokenizer_name_or_path=name,
)
model = get_peft_model(AutoModelForCausalLM.from_pretrained(name), config)
trainer = Trainer(
    model=model,
    args=TrainingArguments(output_dir="out", learning_rate=3e-2),
    train_dataset=rows,
    data_collator=default_data_collator,
)
trainer.train()
model.save_pretrained("prompt")
