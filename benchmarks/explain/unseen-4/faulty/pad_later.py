import json
from dataclasses import dataclass

import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer, PreTrainedTokenizerBase


@dataclass
class Bundle:
    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    batch_size: int = 4

    @classmethod
    def open(cls, adapter):
        tokenizer = AutoTokenizer.from_pretrained("Salesforce/codegen-350M-mono")
        tokenizer.pad_token = tokenizer.eos_token
        model = AutoPeftModelForCausalLM.from_pretrained(adapter).eval()
        return cls(model, tokenizer)

    def batches(self, prompts):
        for i in range(0, len(prompts), self.batch_size):
            rows = [self.tokenizer(p, truncation=True, max_length=1500) for p in prompts[i : i + self.batch_size]]
            yield self.tokenizer.pad(rows, padding=True, return_tensors="pt")

    @torch.no_grad()
    def complete(self, prompts):
        for enc in self.batches(prompts):
            enc = enc.to(self.model.device)
            out = self.model.generate(**enc, max_new_tokens=64)
            new = out[:, enc["input_ids"].shape[1]:]
            yield from self.tokenizer.batch_decode(new, skip_special_tokens=True)


if __name__ == "__main__":
    b = Bundle.open("acme/codegen-mono-lora")
    prompts = json.load(open("prompts.json"))
    for text in b.complete(prompts):
        print(text)
