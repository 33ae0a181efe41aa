import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

name = "bigcode/starcoder2-15b"
model = AutoModelForCausalLM.from_pretrained(
    name,
    quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16),
    device_map="auto",
)
model = PeftModel.from_pretrained(model, "sc2-15b-qlora")
model.eval()
tok = AutoTokenizer.from_pretrained(name)
enc = tok("fn main() {", return_tensors="pt")
enc = enc.to("cuda")
out = model.generate(**enc, max_new_tokens=64)
print(tok.batch_decode(out[:, enc["input_ids"].shape[-1]:], skip_special_tokens=True)[0])
