import sys

from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

adapter = sys.argv[1]
conf = PeftConfig.from_pretrained(adapter)
tokenizer = AutoTokenizer.from_pretrained(conf.base_model_name_or_path)
model = AutoModelForCausalLM.from_pretrained(conf.base_model_name_or_path, trust_remote_code=True)
model = PeftModel.from_pretrained(model, adapter)


def prepare(text, framework="tf"):
    return tokenizer(text, return_tensors=framework)


enc = prepare("def main():")
out = model.generate(**enc, max_length=200, do_sample=True, top_k=50)
full = tokenizer.decode(out[0], skip_special_tokens=True)
print(full.replace("def main():", "", 1))
