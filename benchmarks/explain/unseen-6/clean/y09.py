import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "bigcode/starcoderbase-1b"
tok = AutoTokenizer.from_pretrained(name)
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(name), "lora/a", adapter_name="a")
model.load_adapter("lora/b", adapter_name="b")
model.add_weighted_adapter(["a", "b"], [0.7, 0.3], "ab", combination_type="linear")
model.set_adapter("ab")
model.eval()
enc = tok("def f(", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=20)
print(tok.decode(out[0][enc["input_ids"].shape[1]:], skip_special_tokens=True))
model.delete_adapter("a")
model.save_pretrained("lora/ab", selected_adapters=["ab"])
