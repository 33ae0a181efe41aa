import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForTokenClassification, AutoTokenizer, DataCollatorForTokenClassification, Trainer, TrainingArguments

LABELS = ["O", "B-FUNC", "I-FUNC"]


class WeightedTrainer(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        weight = torch.tensor([0.2, 1.0, 1.0], device=outputs.logits.device)
        loss = torch.nn.functional.cross_entropy(outputs.logits.view(-1, len(LABELS)), labels.view(-1), weight=weight)
        return (loss, outputs) if return_outputs else loss


def main():
    name = "microsoft/codebert-base"
    tokenizer = AutoTokenizer.from_pretrained(name, add_prefix_space=True)
    model = AutoModelForTokenClassification.from_pretrained(name, num_labels=len(LABELS))
    model = get_peft_model(model, LoraConfig(task_type="TOKEN_CLS", r=16, target_modules=["query", "key", "value"]))
    data = load_dataset("json", data_files="spans.jsonl", split="train")

    def align(row):
        enc = tokenizer(row["words"], is_split_into_words=True, truncation=True)
        enc["labels"] = [-100 if word is None else row["tags"][word] for word in enc.word_ids()]
        return enc

    WeightedTrainer(
        model=model,
        args=TrainingArguments("tags", learning_rate=3e-4, num_train_epochs=4),
        train_dataset=data.map(align),
        data_collator=DataCollatorForTokenClassification(tokenizer),
    ).train()
    model.save_pretrained("tags/final")


main()
