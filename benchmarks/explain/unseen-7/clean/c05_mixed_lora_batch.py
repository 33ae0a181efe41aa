import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

model_id = "HuggingFaceTB/SmolLM2-1.7B"
tokenizer = AutoTokenizer.from_pretrained(model_id, padding_side="left")
tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(model_id)
model = PeftModel.from_pretrained(model, "acme/lora-fr", adapter_name="fr")
model.load_adapter("acme/lora-de", adapter_name="de")
model.eval()
inputs = tokenizer(
    ["Hello, my dog is cute", "Hello, my cat is awesome", "Hello, my fish is great"], return_tensors="pt", padding=True
)
with torch.no_grad():
    output = model.generate(**inputs, adapter_names=["__base__", "fr", "de"], max_new_tokens=20)
for row in output:
    print(tokenizer.decode(row[inputs["input_ids"].shape[1] :], skip_special_tokens=True))
