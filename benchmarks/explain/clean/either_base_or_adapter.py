import sys

from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = "gpt2"
if len(sys.argv) > 1:
    model = AutoModelForCausalLM.from_pretrained(base)
    model = PeftModel.from_pretrained(model, sys.argv[1])
else:
    model = AutoModelForCausalLM.from_pretrained(base)
tokenizer = AutoTokenizer.from_pretrained(base)
ids = tokenizer("Hello", return_tensors="pt").input_ids
out = model.generate(ids, max_new_tokens=20)
print(tokenizer.decode(out[0][ids.shape[1]:], skip_special_tokens=True))
