import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel


class CodeBot:
    def __init__(self, base="codellama/CodeLlama-7b-Instruct-hf", adapter="bot-lora"):
        self.device = "cuda"
        self.tok = AutoTokenizer.from_pretrained(base)
        self.tok.pad_token = self.tok.eos_token
        self.base = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float16).to(self.device)
        self.model = PeftModel.from_pretrained(self.base, adapter)
        self.model.train()

    def answer(self, questions):
        texts = [f"[INST] {q} [/INST]" for q in questions]
        enc = self.tok(texts, padding=True, return_tensors="pt")
        out = self.model.generate(input_ids=enc["input_ids"].to(self.device), max_new_tokens=200)
        return self.tok.batch_decode(out, skip_special_tokens=True)


print(CodeBot().answer(["What is a monad?", "Sort a dict by value"]))
