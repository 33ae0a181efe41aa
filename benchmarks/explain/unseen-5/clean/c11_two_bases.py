import copy

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "Salesforce/codegen-350M-mono"
tok = AutoTokenizer.from_pretrained(name)
plain = AutoModelForCausalLM.from_pretrained(name).eval()
tuned = PeftModel.from_pretrained(copy.deepcopy(plain), "codegen-350M-tests-lora").eval()

enc = tok("def test_add():", return_tensors="pt")
with torch.no_grad():
    a = plain(**enc).logits[:, -1].log_softmax(-1)
    b = tuned(**enc).logits[:, -1].log_softmax(-1)
print("KL", torch.nn.functional.kl_div(b, a, log_target=True, reduction="sum").item())
