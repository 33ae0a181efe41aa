import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

def load(size="3b", method="parallel"):
    base = "bigcode/starcoderbase-3b"
    tok = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float16).cuda()
    model = PeftModel.from_pretrained(model, "bigcode/astraios-3b-adapterp")
    return tok, model.eval()

tok, model = load()
x = tok("Question: Sort a dict by value.\n\nAnswer:", return_tensors="pt").to("cuda")
y = model.generate(**x, max_new_tokens=100)
print(tok.decode(y[0]))
