"""Adapters through transformers itself."""
import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer

model_id = "facebook/opt-350m"
tokenizer = AutoTokenizer.from_pretrained(model_id)
model = AutoModelForCausalLM.from_pretrained(model_id)
model.load_adapter("ybelkada/opt-350m-lora", adapter_name="lora")
model.set_adapter("lora")
inputs = tokenizer("Hello", return_tensors="pt")
with torch.no_grad():
    output = model.generate(**inputs, max_new_tokens=10)
print(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))

model.disable_adapters()
with torch.no_grad():
    plain = model.generate(**inputs, max_new_tokens=10)
print(tokenizer.decode(plain[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
model.add_adapter(LoraConfig(target_modules=["q_proj", "k_proj"], init_lora_weights=False), adapter_name="second")
