import argparse
import json

import torch
from peft import PeftModel
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer


class Generator:
    def __init__(self, base, adapter, bs):
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self._fix_tokenizer()
        self.model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float16)
        self.model = PeftModel.from_pretrained(self.model, adapter)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(self.device)
        self.model.eval()
        self.bs = bs

    def _fix_tokenizer(self):
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.tokenizer.padding_side = "left"

    def collate(self, prompts):
        return self.tokenizer(prompts, padding=True, return_tensors="pt")

    @torch.inference_mode()
    def __call__(self, prompts, **gen):
        texts = []
        for batch in DataLoader(prompts, batch_size=self.bs, collate_fn=self.collate):
            batch = batch.to(self.device)
            out = self.model.generate(**batch, **gen)
            texts += self.tokenizer.batch_decode(out[:, batch["input_ids"].shape[1]:], skip_special_tokens=True)
        return texts


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("prompts")
    ap.add_argument("--base", default="Salesforce/codegen-2B-mono")
    ap.add_argument("--adapter", default="acme/codegen-2b-asserts")
    ap.add_argument("--bs", type=int, default=16)
    a = ap.parse_args()
    prompts = json.load(open(a.prompts))
    g = Generator(a.base, a.adapter, a.bs)
    for p, t in zip(prompts, g(prompts, max_new_tokens=96, do_sample=True, temperature=0.6)):
        print(json.dumps({"prompt": p, "completion": t}))


if __name__ == "__main__":
    main()
