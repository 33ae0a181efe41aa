import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "Qwen/Qwen2.5-Coder-0.5B"
tok = AutoTokenizer.from_pretrained(name)

model = AutoModelForCausalLM.from_pretrained(name)
model = PeftModel.from_pretrained(model, "out/qwen-doc/last")
model.eval()
# LoRA goes into the modules themselves, so the comparison needs its own copy
reference = AutoModelForCausalLM.from_pretrained(name)


@torch.no_grad()
def kl(text):
    enc = tok(text, return_tensors="pt")
    p = torch.log_softmax(model(**enc).logits.float(), -1)
    q = torch.log_softmax(reference(**enc).logits.float(), -1)
    return (p.exp() * (p - q)).sum(-1).mean().item()


def show(text):
    enc = tok(text, return_tensors="pt")
    for title, m in (("base", reference), ("tuned", model)):
        out = m.generate(**enc, max_new_tokens=40, do_sample=False)
        print(f"[{title}]", tok.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))


for t in ["def read_csv(path):\n    ", "import numpy as np\n"]:
    print(kl(t))
    show(t)
