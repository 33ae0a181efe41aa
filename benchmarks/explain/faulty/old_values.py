from transformers import AutoTokenizer, pipeline

summarise = pipeline("summarization", model="facebook/bart-large-cnn")
tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
features = tokenizer("Hello", return_tensors="tf")
