import torch
from peft import PeftMixedModel, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-360M")
tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-360M")
model = PeftMixedModel.from_pretrained(base, "acme/loha", "loha")
model.load_adapter("acme/lora", "lora")
model.set_adapter(["loha", "lora"])
model.eval()
ids = tokenizer("fn main() {", return_tensors="pt")
with torch.no_grad():
    out = model.generate(**ids, max_new_tokens=30)
print(tokenizer.decode(out[0][ids["input_ids"].shape[1]:], skip_special_tokens=True))
