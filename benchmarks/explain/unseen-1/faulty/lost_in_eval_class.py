import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


class Evaluator:
    """Runs the tuned model on a list of prompts."""

    def __init__(self, config):
        self.config = config
        self.tokenizer = AutoTokenizer.from_pretrained(config["base"])
        self.base = AutoModelForCausalLM.from_pretrained(config["base"], dtype="auto")
        self.tuned = PeftModel.from_pretrained(self.base, config["adapter"])
        self.tuned.eval()

    def answer(self, prompt):
        inputs = self.tokenizer(prompt, return_tensors="pt")
        with torch.no_grad():
            out = self.tuned.generate(**inputs, max_new_tokens=self.config["length"])
        return self.tokenizer.decode(out[0, inputs.input_ids.shape[1]:], skip_special_tokens=True)


def reload_and_answer(config, prompt):
    tokenizer = AutoTokenizer.from_pretrained(config["base"])
    model = AutoModelForCausalLM.from_pretrained(config["base"], dtype="auto")
    model = PeftModel.from_pretrained(model, config["adapter"])
    model = AutoModelForCausalLM.from_pretrained(config["base"], dtype="auto")
    inputs = tokenizer(prompt, return_tensors="pt")
    out = model.generate(**inputs, max_new_tokens=config["length"])
    return tokenizer.decode(out[0, inputs.input_ids.shape[1]:], skip_special_tokens=True)


if __name__ == "__main__":
    cfg = {"base": "HuggingFaceTB/SmolLM2-360M", "adapter": "runs/last", "length": 64}
    print(Evaluator(cfg).answer("def fib(n):"))
    print(reload_and_answer(cfg, "def fib(n):"))
