from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("google/flan-t5-base")
model = AutoModelForSeq2SeqLM.from_pretrained("google/flan-t5-base")
batch = tokenizer(["translate English to German: house", "summarize: a long text"], padding=True, return_tensors="pt")
out = model.generate(**batch, max_new_tokens=40)
print(tokenizer.batch_decode(out, skip_special_tokens=True))
