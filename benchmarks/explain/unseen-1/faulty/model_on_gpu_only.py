import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
from peft import PeftModel

device = "cuda" if torch.cuda.is_available() else "cpu"
checkpoint = "google/flan-t5-base"
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
model = AutoModelForSeq2SeqLM.from_pretrained(checkpoint)
model = PeftModel.from_pretrained(model, "me/flan-t5-summary").to("cuda")
model.eval()

def summarise(text):
    inputs = tokenizer("summarize: " + text, return_tensors="pt", truncation=True)
    out = model.generate(**inputs, max_new_tokens=80)
    return tokenizer.decode(out[0], skip_special_tokens=True)

print(summarise(open("article.txt").read()))
