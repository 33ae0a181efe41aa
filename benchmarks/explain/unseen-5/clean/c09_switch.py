from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base_id = "deepseek-ai/deepseek-coder-6.7b-instruct"
tok = AutoTokenizer.from_pretrained(base_id)
base = AutoModelForCausalLM.from_pretrained(base_id, device_map="auto")
model = PeftModel.from_pretrained(base, "adapters/review", adapter_name="review")
for name in ("tests", "docs"):
    model.load_adapter(f"adapters/{name}", adapter_name=name)
model.eval()


def run(task, text):
    model.set_adapter(task)
    ids = tok.apply_chat_template(
        [{"role": "user", "content": text}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    ).to(model.device)
    out = model.generate(**ids, max_new_tokens=300)
    return tok.decode(out[0][ids["input_ids"].shape[1]:], skip_special_tokens=True)


print(run("review", "x = x + 1;"))
print(run("docs", "def f(a): return a * 2"))
