import os

import torch
from huggingface_hub import hf_hub_download, login
from peft import PromptTuningConfig, get_peft_model, set_peft_model_state_dict
from transformers import AutoModelForCausalLM, AutoTokenizer

login(token=os.environ["HF_TOKEN"])

base = "microsoft/phi-1_5"
tok = AutoTokenizer.from_pretrained(base, revision="675aa382d814580b22651a30acb1a585d7c25963")
model = AutoModelForCausalLM.from_pretrained(
    base,
    trust_remote_code=True,
    revision="675aa382d814580b22651a30acb1a585d7c25963",
)
model = get_peft_model(model, PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=20))
weights = torch.load(hf_hub_download("acme/phi-soft-prompt", "prompt.bin"), weights_only=True, map_location="cpu")
set_peft_model_state_dict(model, weights)
model.eval()

enc = tok("Write a shell one-liner that counts files.\n", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=60)
print(tok.decode(out[0][enc["input_ids"].shape[1]:], skip_special_tokens=True))
