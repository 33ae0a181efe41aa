import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

tok = AutoTokenizer.from_pretrained("gpt2")
pieces = tok(["a", "b"], return_tensors="tf")
print(pieces["input_ids"])
summariser = pipeline("summarization", model="facebook/bart-large-cnn")
print(summariser("A long text …", max_length=30))
