import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

ADAPTERS = {
    "sql": "acme/qwen-coder-sql",
    "rust": "acme/qwen-coder-rust",
    "go": "acme/qwen-coder-go",
}
BASE = "Qwen/Qwen2.5-Coder-7B"


class Router:
    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(BASE)
        base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16, device_map="auto")
        names = list(ADAPTERS)
        self.model = PeftModel.from_pretrained(base, ADAPTERS[names[0]], adapter_name=names[0])
        for n in names[1:]:
            self.model.load_adapter(ADAPTERS[n], adapter_name=n)

    def answer(self, language, task):
        enc = self.tokenizer(f"// language: {language}\n// {task}\n", return_tensors="pt").to(self.model.device)
        out = self.model.generate(**enc, max_new_tokens=256)
        return self.tokenizer.decode(out[0][enc["input_ids"].shape[1]:], skip_special_tokens=True)


if __name__ == "__main__":
    r = Router()
    for lang in ADAPTERS:
        print(lang, r.answer(lang, "read a csv file"))
