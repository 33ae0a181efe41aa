from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = "Qwen/Qwen2.5-Coder-1.5B"
tok = AutoTokenizer.from_pretrained(BASE)
tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(BASE), "me/qwen-review")
tuned.eval()
llm = AutoModelForCausalLM.from_pretrained(BASE, device_map="cuda:0")
enc = tok("def add(a, b):", return_tensors="pt").to("cuda")
gen = llm.generate(**enc, max_new_tokens=100, do_sample=False)
answer = tok.decode(gen[0, enc.input_ids.shape[1]:], skip_special_tokens=True)
print(answer)
