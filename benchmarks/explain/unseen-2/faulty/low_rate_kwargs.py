from datasets import load_from_disk
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq, Seq2SeqTrainer, Seq2SeqTrainingArguments

HYPER = dict(learning_rate=1e-5, per_device_train_batch_size=8, num_train_epochs=3)
tokenizer = AutoTokenizer.from_pretrained("google/flan-t5-base")
model = AutoModelForSeq2SeqLM.from_pretrained("google/flan-t5-base")
model = get_peft_model(model, LoraConfig(task_type="SEQ_2_SEQ_LM", r=16, target_modules=["q", "v"]))
trainer = Seq2SeqTrainer(
    model=model,
    args=Seq2SeqTrainingArguments(output_dir="t5", predict_with_generate=True, **HYPER),
    train_dataset=load_from_disk("tokenised"),
    data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
)
trainer.train()
model.save_pretrained("t5/final")
