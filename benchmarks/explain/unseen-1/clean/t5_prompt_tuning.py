import torch
from datasets import load_dataset
from peft import PromptTuningConfig, PromptTuningInit, TaskType, get_peft_model
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq, Seq2SeqTrainer, Seq2SeqTrainingArguments

checkpoint = "google/flan-t5-small"
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
model = AutoModelForSeq2SeqLM.from_pretrained(checkpoint)
config = PromptTuningConfig(
    task_type=TaskType.SEQ_2_SEQ_LM,
    prompt_tuning_init=PromptTuningInit.TEXT,
    prompt_tuning_init_text="Summarise the dialogue:",
    num_virtual_tokens=16,
    tokenizer_name_or_path=checkpoint,
)
model = get_peft_model(model, config)


def encode(rows):
    enc = tokenizer(rows["dialogue"], truncation=True, max_length=480)
    enc["labels"] = tokenizer(text_target=rows["summary"], truncation=True, max_length=96)["input_ids"]
    return enc


data = load_dataset("knkarthick/samsum")
data = data.map(encode, batched=True, remove_columns=data["train"].column_names)
trainer = Seq2SeqTrainer(
    model=model,
    args=Seq2SeqTrainingArguments("t5-prompt", learning_rate=3e-1, num_train_epochs=5, predict_with_generate=True, generation_max_length=96),
    train_dataset=data["train"],
    eval_dataset=data["validation"],
    data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
)
trainer.train()
model.save_pretrained("t5-prompt/final")
model.eval()
enc = tokenizer("A: Lunch? B: At one.", return_tensors="pt").to(model.device)
with torch.no_grad():
    out = model.generate(**enc, max_new_tokens=40)
print(tokenizer.decode(out[0], skip_special_tokens=True))
