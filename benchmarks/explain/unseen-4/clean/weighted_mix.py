import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base_id = "Qwen/Qwen2.5-Coder-3B"
parts = {"tests": ("acme/q3b-tests", 0.6), "docs": ("acme/q3b-docs", 0.4)}

model = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.bfloat16, device_map="auto")
for i, (name, (repo, _)) in enumerate(parts.items()):
    if i == 0:
        model = PeftModel.from_pretrained(model, repo, adapter_name=name)
    else:
        model.load_adapter(repo, adapter_name=name)
model.add_weighted_adapter(list(parts), [w for _, w in parts.values()], adapter_name="mix", combination_type="linear")
model.set_adapter("mix")
for name in parts:
    model.delete_adapter(name)
model.save_pretrained("q3b-mix")

tok = AutoTokenizer.from_pretrained(base_id)
enc = tok("def test_", return_tensors="pt").to(model.device)
print(tok.decode(model.generate(**enc, max_new_tokens=64)[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
