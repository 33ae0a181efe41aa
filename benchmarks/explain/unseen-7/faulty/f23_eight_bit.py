import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

device = "cuda:1"
quantisation = BitsAndBytesConfig(load_in_8bit=True)
base = AutoModelForCausalLM.from_pretrained("bigcode/starcoder2-15b", quantization_config=quantisation, device_map={"": device})
base = base.to("cpu")
model = PeftModel.from_pretrained(base, "acme/starcoder2-15b-lora")
model = model.merge_and_unload()
model.save_pretrained("merged-15b")
AutoTokenizer.from_pretrained("bigcode/starcoder2-15b").save_pretrained("merged-15b")
