import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

set_seed(42)
BASE = "Salesforce/codegen-2B-mono"
tok = AutoTokenizer.from_pretrained(BASE)
model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float16).cuda()
model = PeftModel.from_pretrained(model, "acme/codegen-asserts")
model.eval()


def candidates(prompt, n=16):
    # n copies of one prompt: same length, nothing to pad
    ids = tok([prompt] * n, return_tensors="pt").input_ids.cuda()
    with torch.no_grad():
        out = model.generate(ids, do_sample=True, temperature=0.8, max_new_tokens=100, pad_token_id=tok.eos_token_id)
    return [tok.decode(o[ids.shape[1]:], skip_special_tokens=True) for o in out]


best = max(candidates("def is_prime(n):\n"), key=len)
print(best)
