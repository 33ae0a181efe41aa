import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

CHECKPOINT = "bigcode/starcoderbase-1b"
m = AutoModelForCausalLM.from_pretrained(CHECKPOINT)
m = PeftModel.from_pretrained(m, "bigcode/astraios-3b-lora")
t = AutoTokenizer.from_pretrained(CHECKPOINT)
e = t("Question: Reverse a string.\n\nAnswer:", return_tensors="pt")
with torch.no_grad():
    o = m.generate(**e, max_new_tokens=50)
print(t.decode(o[0][len(e["input_ids"][0]):], skip_special_tokens=True))
