"""Keeps the adapter's answers and the base's side by side (base made twice on purpose)."""
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

NAME = "bigcode/starcoder2-3b"


def fresh():
    return AutoModelForCausalLM.from_pretrained(NAME, dtype=torch.bfloat16, device_map="auto").eval()


class Pair:
    def __init__(self, adapter):
        self.tok = AutoTokenizer.from_pretrained(NAME)
        self.models = {"base": fresh(), "tuned": PeftModel.from_pretrained(fresh(), adapter)}

    def __iter__(self):
        return iter(self.models.items())

    def run(self, prompt, **kw):
        kw.setdefault("max_new_tokens", 64)
        enc = self.tok(prompt, return_tensors="pt")
        res = {}
        for name, m in self:
            ids = m.generate(**enc.to(m.device), **kw)
            res[name] = self.tok.decode(ids[0, enc["input_ids"].shape[1]:], skip_special_tokens=True)
        return res


if __name__ == "__main__":
    for k, v in Pair("acme/starcoder2-typing-lora").run("def f(", do_sample=False).items():
        print(k, repr(v))
