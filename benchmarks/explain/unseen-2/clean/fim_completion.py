import sys

from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = "bigcode/starcoderbase-1b"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base)
model = PeftModel.from_pretrained(model, "acme/starcoderbase-1b-lora").eval()
before, after = sys.stdin.read().split("<CURSOR>")
enc = tokenizer(f"<fim_prefix>{before}<fim_suffix>{after}<fim_middle>", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=64, do_sample=False)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
