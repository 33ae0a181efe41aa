import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

tok = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-Coder-1.5B")
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-Coder-1.5B", dtype="auto").to("cuda")
peft_model = PeftModel.from_pretrained(model, "qwen-fim-lora")
merged = peft_model.merge_and_unload()

fresh = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-Coder-1.5B", dtype="auto").to("cuda")
text = "<|fim_prefix|>def add(a, b):\n    <|fim_suffix|>\n    return c<|fim_middle|>"
enc = tok(text, return_tensors="pt").to("cuda")
for name, m in (("base", fresh), ("tuned", merged)):
    with torch.no_grad():
        out = m.generate(**enc, max_new_tokens=32, do_sample=False)
    print(name, tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True))
