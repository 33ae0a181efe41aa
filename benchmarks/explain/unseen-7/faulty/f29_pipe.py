import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

base_id = "bigcode/starcoder2-3b"


def make_pipe(adapter):
    model = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(model, adapter).eval()
    return pipeline("text-generation", model=base_id, tokenizer=base_id, dtype=torch.bfloat16)


pipe = make_pipe("acme/starcoder2-3b-lora")
print(pipe("def fib(n):", max_new_tokens=64, return_full_text=False)[0]["generated_text"])

summarise = pipeline("summarization", model="facebook/bart-large-cnn")
print(summarise("A long text. " * 50, max_length=60))
