import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


class Bot:
    def __init__(self, path: str):
        self.tokenizer = AutoTokenizer.from_pretrained(path)
        self.model = AutoModelForCausalLM.from_pretrained(path)
        self.model.eval()

    @torch.inference_mode()
    def reply(self, text: str) -> str:
        encoded = self.tokenizer(text, return_tensors="pt")
        produced = self.model.generate(**encoded)
        new = produced[0][encoded["input_ids"].shape[-1]:]
        return self.tokenizer.decode(new, skip_special_tokens=True)
