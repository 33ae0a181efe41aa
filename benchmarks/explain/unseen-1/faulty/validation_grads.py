from torch.utils.data import DataLoader
from peft import PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding

name = "roberta-base"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForSequenceClassification.from_pretrained(name, num_labels=3)
model = PeftModel.from_pretrained(model, "me/roberta-nli-lora")
model.eval()


def accuracy(dataset):
    loader = DataLoader(dataset, batch_size=32, collate_fn=DataCollatorWithPadding(tokenizer))
    right = total = 0
    for batch in loader:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        right += (logits.argmax(-1) == batch["labels"]).sum().item()
        total += len(batch["labels"])
    return right / total
