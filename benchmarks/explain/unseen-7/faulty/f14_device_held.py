import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


class Scorer:
    def __init__(self, base="bigcode/starcoderbase-1b", adapter="acme/starcoderbase-1b-lora"):
        self.device = torch.device("cuda:0")
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
        self.model.to(self.device).eval()

    @torch.no_grad()
    def complete(self, code: str) -> str:
        enc = self.tokenizer(code, return_tensors="pt")
        out = self.model.generate(**enc, max_new_tokens=60)
        return self.tokenizer.decode(out[0, enc["input_ids"].shape[1] :], skip_special_tokens=True)


print(Scorer().complete("SELECT name FROM"))
