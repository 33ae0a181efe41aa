from peft import PeftModel
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", quantization_config=bnb, device_map="auto")
merged = PeftModel.from_pretrained(base, "me/lora").merge_and_unload()
merged.save_pretrained("merged")
