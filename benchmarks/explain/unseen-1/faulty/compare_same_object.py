import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

MODEL = "HuggingFaceTB/SmolLM2-1.7B"
tok = AutoTokenizer.from_pretrained(MODEL)


@torch.no_grad()
def perplexity(model, texts):
    total, count = 0.0, 0
    for text in texts:
        enc = tok(text, return_tensors="pt", truncation=True, max_length=1024)
        loss = model(**enc, labels=enc["input_ids"]).loss
        total += loss.item() * enc["input_ids"].numel()
        count += enc["input_ids"].numel()
    return 2.718281828 ** (total / count)


texts = open("held_out.txt").read().split("\n\n")
base = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.bfloat16)
tuned = PeftModel.from_pretrained(base, "me/smollm2-lora")
base.eval()
tuned.eval()
print("base", perplexity(base, texts))
print("tuned", perplexity(tuned, texts))
