from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


class Completer:
    def __init__(self, base="bigcode/starcoder2-3b", adapter="team/starcoder2-3b-style"):
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.model = AutoModelForCausalLM.from_pretrained(base).to("cuda")
        self.model = PeftModel.from_pretrained(self.model, adapter)
        self.model.eval()

    def complete(self, code):
        ids = self.tokenizer.encode(code, return_tensors="pt")
        ids.to("cuda")
        out = self.model.generate(ids, max_new_tokens=48)
        return self.tokenizer.decode(out[0][ids.shape[1]:], skip_special_tokens=True)


if __name__ == "__main__":
    print(Completer().complete("def mean(xs):\n"))
