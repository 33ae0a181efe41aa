import torch
from peft import IA3Config, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "bigscience/bloomz-560m"
tokenizer = AutoTokenizer.from_pretrained(name, padding_side="left")
base = AutoModelForCausalLM.from_pretrained(name)
config = IA3Config(task_type="CAUSAL_LM", target_modules=["query_key_value", "dense_4h_to_h"], feedforward_modules=["dense_4h_to_h"])
model = get_peft_model(base, config, adapter_name="french")
model.add_adapter("german", config)
model.eval()

prompts = ["Translate to French: cat", "Translate to German: dog"]
inputs = tokenizer(prompts, padding=True, return_tensors="pt")
with torch.no_grad():
    out = model.generate(**inputs, adapter_names=["french", "german"], max_new_tokens=10)
print(tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
