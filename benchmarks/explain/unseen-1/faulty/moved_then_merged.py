import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

quant = BitsAndBytesConfig(load_in_8bit=True)
base = AutoModelForCausalLM.from_pretrained("tiiuae/falcon-7b", quantization_config=quant)
base = base.to("cuda")
model = PeftModel.from_pretrained(base, "acme/falcon-7b-lora")
merged = model.merge_and_unload()
merged.save_pretrained("falcon-merged")
AutoTokenizer.from_pretrained("tiiuae/falcon-7b").save_pretrained("falcon-merged")
