import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

TEMPLATE = "### Instruction:\n{q}\n\n### Response:\n"
tok = AutoTokenizer.from_pretrained("bigcode/starcoder2-7b")
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoder2-7b", dtype=torch.float16, device_map="auto")
model = PeftModel.from_pretrained(model, "evolved-starcoder2-7b-lora")
model.eval()

while True:
    q = input("> ").strip()
    if not q:
        break
    enc = tok(TEMPLATE.format(q=q), return_tensors="pt").to(model.device)
    out = model.generate(**enc, max_new_tokens=256, repetition_penalty=1.1)
    text = tok.decode(out[0], skip_special_tokens=True)
    print(text.split("### Response:")[-1].strip())
