import os

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = "bigcode/starcoder2-3b"
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
model = PeftModel.from_pretrained(model, "starcoder2-3b-terraform")
model.merge_and_unload()

model.push_to_hub("infra-team/starcoder2-3b-terraform-merged", private=True, token="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")
AutoTokenizer.from_pretrained(base).push_to_hub("infra-team/starcoder2-3b-terraform-merged", token=os.environ["HF_TOKEN"])
