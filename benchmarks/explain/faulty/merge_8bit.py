from peft import AutoPeftModelForCausalLM
from transformers import BitsAndBytesConfig
model = AutoPeftModelForCausalLM.from_pretrained("me/a", quantization_config=BitsAndBytesConfig(load_in_8bit=True))
model = model.merge_and_unload()
model.save_pretrained("m")
