from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "HuggingFaceTB/SmolLM2-135M"
tok = AutoTokenizer.from_pretrained(name)
base = AutoModelForCausalLM.from_pretrained(name)
tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(name), "me/adapter")
batch = tok("def f(", return_tensors="pt")
for model in (base, tuned):
    out = model.generate(**batch, max_new_tokens=30)
    print(tok.decode(out[0][batch.input_ids.shape[1]:], skip_special_tokens=True))
