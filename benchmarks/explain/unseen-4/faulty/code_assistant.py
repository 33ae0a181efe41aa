"""Small wrapper I use in my editor plugin."""
import os
import re

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = "bigcode/starcoderbase-1b"
ADAPTER = os.environ.get("ADAPTER", "./out/sc1b-lora-docstrings")


class CodeAssistant:
    def __init__(self, base=BASE, adapter=ADAPTER, device=None):
        self.base_id = base
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.model = AutoModelForCausalLM.from_pretrained(base)
        self.attach(adapter)
        self.place()

    def attach(self, adapter):
        self.model = PeftModel.from_pretrained(self.model, adapter)
        self.model.eval()

    def place(self):
        # bf16 on the card, keeps half of the memory free
        self.model = AutoModelForCausalLM.from_pretrained(self.base_id, dtype=torch.bfloat16).to(self.device)

    def complete(self, prompt, stop=("\ndef ", "\nclass ")):
        enc = self.tokenizer(prompt, return_tensors="pt").to(self.device)
        out = self.model.generate(**enc, do_sample=False)
        new = out[0, enc["input_ids"].shape[1]:]
        text = self.tokenizer.decode(new, skip_special_tokens=True)
        for s in stop:
            text = re.split(re.escape(s), text)[0]
        return text


if __name__ == "__main__":
    assistant = CodeAssistant()
    while True:
        try:
            line = input(">>> ")
        except EOFError:
            break
        print(assistant.complete(line))
