import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = "bigcode/starcoderbase-1b"


def load_bank(names):
    tokenizer = AutoTokenizer.from_pretrained(BASE, padding_side="left")
    tokenizer.pad_token = tokenizer.eos_token
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(BASE), "acme/ia3-python", adapter_name="python")
    for name in names:
        model.load_adapter(f"acme/ia3-{name}", adapter_name=name)
    return tokenizer, model.eval()


tokenizer, model = load_bank(["java", "go"])
enc = tokenizer(["def f(", "class A {", "func main"], return_tensors="pt", padding=True)
with torch.no_grad():
    out = model.generate(**enc, adapter_names=["python", "java", "go"], max_new_tokens=30)
print(tokenizer.batch_decode(out[:, enc["input_ids"].shape[1] :], skip_special_tokens=True))
