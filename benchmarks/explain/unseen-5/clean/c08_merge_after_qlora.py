# the adapter was trained over a 4-bit base; it is merged into the bf16 one
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

adapter, out = sys.argv[1:3]
base_id = "codellama/CodeLlama-7b-hf"
base = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.bfloat16, device_map="cpu")
model = PeftModel.from_pretrained(base, adapter)
model = model.merge_and_unload(progressbar=True, safe_merge=True)
model.save_pretrained(out, max_shard_size="4GB")
AutoTokenizer.from_pretrained(base_id).save_pretrained(out)
print("merged model in", out)
