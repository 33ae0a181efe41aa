import pathlib
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base_id = sys.argv[1]
adapters = [pathlib.Path(p) for p in sys.argv[2:]]

for adapter in adapters:
    target = adapter.with_name(adapter.name + "-merged")
    if target.exists():
        print("skip", target)
        continue
    base = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.float16)
    model = PeftModel.from_pretrained(base, str(adapter))
    model.merge_and_unload(progressbar=True)
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(base_id).save_pretrained(target)
    print("wrote", target)
