from contextlib import contextmanager

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


class Switcher:
    """One base, many adapters."""

    def __init__(self, base, adapters):
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        model = AutoModelForCausalLM.from_pretrained(base, device_map="auto")
        (first, path), *rest = adapters.items()
        self.model = PeftModel.from_pretrained(model, path, adapter_name=first)
        for name, path in rest:
            self.model.load_adapter(path, adapter_name=name)
        self.model.eval()

    @contextmanager
    def using(self, name):
        if name is None:
            with self.model.disable_adapter():
                yield self.model
        else:
            self.model.set_adapter(name)
            yield self.model

    def ask(self, prompt, name=None):
        enc = self.tokenizer(prompt, return_tensors="pt").to(self.model.device)
        with self.using(name) as model, torch.no_grad():
            out = model.generate(**enc, max_new_tokens=96)
        return self.tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True)


if __name__ == "__main__":
    switcher = Switcher("Qwen/Qwen2.5-1.5B", {"sql": "acme/sql", "regex": "acme/regex"})
    for name in (None, "sql", "regex"):
        print(name, switcher.ask("All rows newer than a week:", name))
