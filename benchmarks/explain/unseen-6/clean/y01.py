import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
tok = AutoTokenizer.from_pretrained("bigcode/starcoderbase-1b", padding_side="left")
tok.add_special_tokens({"pad_token": tok.eos_token})
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b").to("cuda")
opts = {"max_new_tokens": 64, "do_sample": True, "top_p": 0.95, "num_return_sequences": 4, "pad_token_id": tok.pad_token_id}
enc = tok(["def a(", "def long_name("], padding=True, return_tensors="pt").to("cuda")
start = enc.input_ids.shape[-1]
out = model.generate(**enc, **opts)
print([tok.decode(o[start:], skip_special_tokens=True) for o in out])
