import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

load_args = dict(device_map="cpu", low_cpu_mem_usage=True)
load_args["dtype"] = torch.float32
base = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase", **load_args)
model = PeftModel.from_pretrained(base, "acme/starcoderbase-lora")
merged = model.merge_and_unload()
merged.save_pretrained("merged")
AutoTokenizer.from_pretrained("bigcode/starcoderbase").save_pretrained("merged")
