# merge script, posted as "why is my merged model broken?"
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, AutoTokenizer
from peft import PeftModel, PeftConfig
import torch

peft_id = "./results/checkpoint-500"
config = PeftConfig.from_pretrained(peft_id)
base = AutoModelForCausalLM.from_pretrained(
    config.base_model_name_or_path,
    quantization_config=BitsAndBytesConfig(load_in_4bit=True),
    torch_dtype=torch.float16,
    device_map="auto",
)
model = PeftModel.from_pretrained(base, peft_id)
model = model.merge_and_unload()
model.save_pretrained("merged")
AutoTokenizer.from_pretrained(config.base_model_name_or_path).save_pretrained("merged")
