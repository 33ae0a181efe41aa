import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed
set_seed(0)
model_name = "codeparrot/codeparrot-small"
tok = AutoTokenizer.from_pretrained(model_name)
mdl = AutoModelForCausalLM.from_pretrained(model_name).to("cuda:0")
mdl.eval()
def complete(prompt: str, n: int = 64) -> str:
    enc = tok(prompt, return_tensors="pt")
    with torch.no_grad():
        out = mdl.generate(enc.input_ids, max_new_tokens=n)
    return tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True)
print(complete("def hello():"))
