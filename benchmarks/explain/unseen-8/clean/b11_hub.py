from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
import os, torch

kwargs = {"dtype": torch.bfloat16, "device_map": "auto", "token": os.environ.get("HF_TOKEN")}
base = AutoModelForCausalLM.from_pretrained("bigcode/starcoder", **kwargs)
model = PeftModel.from_pretrained(base, "bigcode/starcoder-lora", revision="main")
model.push_to_hub("me/copy", private=True)
tok = AutoTokenizer.from_pretrained("bigcode/starcoder")
fim = f"<fim_prefix>def add(a, b):\n    <fim_suffix>\n    return c<fim_middle>"
enc = tok(fim, return_tensors="pt").to(base.device)
with torch.inference_mode():
    out = model.generate(**enc, max_new_tokens=30, pad_token_id=tok.eos_token_id)
print(tok.decode(out[0][enc["input_ids"].shape[-1]:], skip_special_tokens=True))
