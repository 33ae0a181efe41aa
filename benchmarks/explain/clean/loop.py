from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
for name in ("a", "b"):
    base = AutoModelForCausalLM.from_pretrained("gpt2")
    model = PeftModel.from_pretrained(base, f"me/{name}")
    tok = AutoTokenizer.from_pretrained("gpt2")
    x = tok("x", return_tensors="pt")
    y = model.generate(**x, max_new_tokens=4)
    print(tok.decode(y[0][x.input_ids.shape[1]:], skip_special_tokens=True))
