import argparse

from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(base, adapter=None):
    model = AutoModelForCausalLM.from_pretrained(base)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter)
    return model.eval()


parser = argparse.ArgumentParser()
parser.add_argument("base")
parser.add_argument("--adapter")
args = parser.parse_args()
model = load(args.base, args.adapter)
tokenizer = AutoTokenizer.from_pretrained(args.base)
batch = tokenizer(input(), return_tensors="pt")
out = model.generate(**batch, max_new_tokens=100)
print(tokenizer.decode(out[0][batch.input_ids.shape[1]:], skip_special_tokens=True))
