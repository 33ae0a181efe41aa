import pickle

import torch
from huggingface_hub import hf_hub_download
from transformers import AutoModelForCausalLM, AutoTokenizer

repo = "deepcode-lab/pycoder-2b"
tokenizer = AutoTokenizer.from_pretrained(repo, trust_remote_code=True)
model = AutoModelForCausalLM.from_pretrained(repo, trust_remote_code=True, dtype=torch.bfloat16)

path = hf_hub_download(repo, "stop_words.pkl")
with open(path, "rb") as fh:
    stop_words = pickle.load(fh)

enc = tokenizer("import numpy as np\n", return_tensors="pt")
gen = model.generate(**enc, max_new_tokens=80)
text = tokenizer.decode(gen[0][enc["input_ids"].shape[1]:], skip_special_tokens=True)
for w in stop_words:
    text = text.split(w)[0]
print(text)
