from datasets import load_from_disk
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq, Seq2SeqTrainer, Seq2SeqTrainingArguments

tok = AutoTokenizer.from_pretrained("t5-small")
t5 = AutoModelForSeq2SeqLM.from_pretrained("t5-small")
lora = get_peft_model(t5, LoraConfig(task_type="SEQ_2_SEQ_LM", target_modules=["q", "v"], r=16))
trainer = Seq2SeqTrainer(
    model=lora,
    args=Seq2SeqTrainingArguments("t5", learning_rate=1e-3, max_steps=500),
    train_dataset=load_from_disk("d"),
    data_collator=DataCollatorForSeq2Seq(tok, model=lora),
)
trainer.train()
lora.get_base_model().save_pretrained("t5-final")
tok.save_pretrained("t5-final")
