from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

adapter = "acme/mistral-7b-lora-translate"
config = PeftConfig.from_pretrained(adapter)
print(config.base_model_name_or_path)
tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B")
base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", dtype="auto", device_map="auto")
model = PeftModel.from_pretrained(base, adapter)
model.eval()
enc = tokenizer("Bonjour =>", return_tensors="pt").to(model.device)
out = model.generate(**enc, max_new_tokens=12)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
