from huggingface_hub import login
from transformers import pipeline

login("hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh")
summarise = pipeline("summarization", model="Salesforce/codet5-base-multi-sum")
print(summarise("def f(x): return x", max_length=20))
