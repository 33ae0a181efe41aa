from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ADAPTERS = {"sql": "acme/qwen-coder-sql", "rust": "acme/qwen-coder-rust"}


class Router:
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    def __init__(self, base="Qwen/Qwen2.5-Coder-1.5B"):
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        plain = AutoModelForCausalLM.from_pretrained(base, device_map="auto")
        first, *rest = ADAPTERS
        self.model = PeftModel.from_pretrained(plain, ADAPTERS[first], adapter_name=first)
        for name in rest:
            self.model.load_adapter(ADAPTERS[name], adapter_name=name)
        self.model.eval()

    def _pick(self, language):
        self.model.set_adapter(language if language in ADAPTERS else "sql")

    @torch.no_grad()
    def answer(self, language, task):
        self._pick(language)
        enc = self.tokenizer(f"// {task}\n", return_tensors="pt").to(self.model.device)
        out = self.model.generate(**enc, max_new_tokens=256)
        return self.tokenizer.decode(out[0][enc["input_ids"].shape[1]:], skip_special_tokens=True)


if __name__ == "__main__":
    router = Router()
    print(router.answer("rust", "read a csv file"))
    print(router.answer("sql", "count rows per day"))
