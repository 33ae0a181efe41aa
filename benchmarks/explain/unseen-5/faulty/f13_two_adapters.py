from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

MODEL = "deepseek-ai/deepseek-coder-6.7b-instruct"


class Assistant:
    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(MODEL)
        base = AutoModelForCausalLM.from_pretrained(MODEL, dtype="auto", device_map="auto")
        self.model = PeftModel.from_pretrained(base, "adapters/review", adapter_name="review")
        self.model.load_adapter("adapters/tests", adapter_name="tests")
        self.model.eval()

    def write_tests(self, code):
        chat = [{"role": "user", "content": f"Write pytest tests for:\n{code}"}]
        ids = self.tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(self.model.device)
        out = self.model.generate(**ids, max_new_tokens=512)
        return self.tokenizer.decode(out[0][ids["input_ids"].shape[1]:], skip_special_tokens=True)


if __name__ == "__main__":
    print(Assistant().write_tests(open("app.py").read()))
