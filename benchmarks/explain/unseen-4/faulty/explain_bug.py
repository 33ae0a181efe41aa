#!/usr/bin/env python
import argparse
import pathlib

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("file", type=pathlib.Path)
parser.add_argument("--adapter", default="acme/codellama-7b-bugs")
args = parser.parse_args()

device = "cuda:0" if torch.cuda.is_available() else "cpu"
precision = torch.float32

base_id = "codellama/CodeLlama-7b-hf"
tok = AutoTokenizer.from_pretrained(base_id)
model = AutoModelForCausalLM.from_pretrained(base_id, dtype=precision)
model = PeftModel.from_pretrained(model, args.adapter)
model.eval()

source = args.file.read_text()
prompt = f"{source}\n\n# The bug in the code above is"
enc = tok(prompt, return_tensors="pt", truncation=True, max_length=2048)
with torch.no_grad():
    out = model.generate(**enc, max_new_tokens=80, num_beams=2)
print(tok.decode(out[0][enc["input_ids"].shape[1]:], skip_special_tokens=True))
