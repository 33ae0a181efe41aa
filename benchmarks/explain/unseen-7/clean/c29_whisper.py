"""Nothing of text: LoRA on Whisper."""
from dataclasses import dataclass
from typing import Any

from datasets import load_from_disk
from peft import LoraConfig, get_peft_model
from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments, WhisperForConditionalGeneration, WhisperProcessor

processor = WhisperProcessor.from_pretrained("openai/whisper-small", language="hi", task="transcribe")


@dataclass
class Collator:
    processor: Any

    def __call__(self, features):
        batch = self.processor.feature_extractor.pad([{"input_features": f["input_features"]} for f in features], return_tensors="pt")
        labels = self.processor.tokenizer.pad([{"input_ids": f["labels"]} for f in features], return_tensors="pt")
        batch["labels"] = labels["input_ids"].masked_fill(labels.attention_mask.ne(1), -100)
        return batch


model = WhisperForConditionalGeneration.from_pretrained("openai/whisper-small")
model = get_peft_model(model, LoraConfig(r=32, lora_alpha=64, target_modules=["q_proj", "v_proj"], lora_dropout=0.05, bias="none"))
args = Seq2SeqTrainingArguments(output_dir="whisper", learning_rate=1e-3, warmup_steps=50, remove_unused_columns=False, label_names=["labels"])
trainer = Seq2SeqTrainer(model=model, args=args, train_dataset=load_from_disk("hi"), data_collator=Collator(processor), processing_class=processor.feature_extractor)
trainer.train()
model.save_pretrained("whisper/final")
