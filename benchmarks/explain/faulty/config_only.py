from peft import PeftConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

path = "me/adapter"
cfg = PeftConfig.from_pretrained(path)
base = AutoModelForCausalLM.from_pretrained(cfg.base_model_name_or_path)
tok = AutoTokenizer.from_pretrained(cfg.base_model_name_or_path)
model = get_peft_model(base, cfg)
x = tok("1 + 1 =", return_tensors="pt")
y = model.generate(**x, max_new_tokens=4)
print(tok.decode(y[0][x.input_ids.size(1):], skip_special_tokens=True))
