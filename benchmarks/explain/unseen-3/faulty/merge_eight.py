import argparse
import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer, BitsAndBytesConfig

p = argparse.ArgumentParser()
p.add_argument("--adapter", required=True)
p.add_argument("--out", required=True)
a = p.parse_args()
model = AutoPeftModelForCausalLM.from_pretrained(a.adapter, quantization_config=BitsAndBytesConfig(load_in_8bit=True), device_map="auto")
tokenizer = AutoTokenizer.from_pretrained(a.adapter)
merged = model.merge_and_unload()
merged.save_pretrained(a.out)
tokenizer.save_pretrained(a.out)
