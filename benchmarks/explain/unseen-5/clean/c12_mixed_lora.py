from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

name = "bigcode/starcoderbase-1b"
tok = AutoTokenizer.from_pretrained(name, padding_side="left")
tok.pad_token = tok.eos_token
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(name), "lora/py", adapter_name="py")
model.load_adapter("lora/js", adapter_name="js")
model.eval()

batch = tok(["def total(xs):", "function total(xs) {", "int total("], padding=True, return_tensors="pt")
out = model.generate(**batch, max_new_tokens=40, adapter_names=["py", "js", "__base__"])
for seq in out[:, batch["input_ids"].shape[1]:]:
    print(tok.decode(seq, skip_special_tokens=True).strip())
