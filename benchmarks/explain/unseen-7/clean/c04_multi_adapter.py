from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
import torch

base = "meta-llama/Llama-3.1-8B"
adapters = {"fr": "acme/llama-3.1-8b-lora-fr", "de": "acme/llama-3.1-8b-lora-de"}
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16, device_map="auto")
first, *rest = adapters
model = PeftModel.from_pretrained(model, adapters[first], adapter_name=first)
for name in rest:
    model.load_adapter(adapters[name], adapter_name=name)
model.eval()


def translate(text, language):
    model.set_adapter(language)
    inputs = tokenizer(text, return_tensors="pt").to(model.device)
    with torch.no_grad():
        output = model.generate(**inputs, max_new_tokens=100)
    return tokenizer.decode(output[0][inputs.input_ids.size(1):], skip_special_tokens=True)


print(translate("Good morning", "fr"))
print(translate("Good morning", "de"))
with model.disable_adapter():
    inputs = tokenizer("Good morning", return_tensors="pt").to(model.device)
    with torch.no_grad():
        plain = model.generate(**inputs, max_new_tokens=20)
