import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

PRE, MID, SUF, EOT = "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<|endoftext|>"
device = "cuda" if torch.cuda.is_available() else "cpu"

tokenizer = AutoTokenizer.from_pretrained("bigcode/starcoderbase-1b")
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b").to(device)
model = PeftModel.from_pretrained(model, "acme/sc1b-fim-lora")
model.eval()


def infill(prefix, suffix, n=64):
    enc = tokenizer(f"{PRE}{prefix}{SUF}{suffix}{MID}", return_tensors="pt", return_token_type_ids=False).to(device)
    with torch.no_grad():
        out = model.generate(**enc, max_new_tokens=n, pad_token_id=tokenizer.eos_token_id)
    # the markers are needed to cut, so they stay in
    text = tokenizer.decode(out[0], skip_special_tokens=False)
    return text.split(MID)[1].split(EOT)[0]


src = sys.stdin.read()
before, after = src.split("<FILL_HERE>")
print(before + infill(before, after) + after)
