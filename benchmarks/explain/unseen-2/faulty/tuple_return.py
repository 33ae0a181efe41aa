import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(base_id, adapter_id):
    base = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.bfloat16)
    tuned = PeftModel.from_pretrained(base, adapter_id)
    merged = tuned.merge_and_unload()
    return merged, AutoTokenizer.from_pretrained(base_id)


model, tokenizer = load("facebook/opt-1.3b", "acme/opt-1.3b-jokes")
model.train()
enc = tokenizer("Why did the", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=40)
print(tokenizer.decode(out[0], skip_special_tokens=True))
