import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

GEN = {"do_sample": True, "temperature": 0.2, "top_p": 0.95}


class Completer:
    def __init__(self, adapter, base="bigcode/starcoder2-3b"):
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.model = AutoPeftModelForCausalLM.from_pretrained(adapter, dtype=torch.bfloat16)
        self.model.eval()

    def __call__(self, code, **overrides):
        inputs = self.tokenizer(code, return_tensors="pt")
        with torch.no_grad():
            out = self.model.generate(**inputs, **GEN)
        return self.tokenizer.decode(out[0], skip_special_tokens=True)


if __name__ == "__main__":
    print(Completer("runs/dora-07")("def quicksort(xs):"))
