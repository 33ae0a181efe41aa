import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

ADAPTER = "me/starcoder-lora"
tok = AutoTokenizer.from_pretrained("bigcode/starcoderbase-1b")
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b")
config = LoraConfig.from_pretrained(ADAPTER)
model = get_peft_model(model, config)
model.eval()
ids = tok("def", return_tensors="pt")
with torch.no_grad():
    out = model.generate(**ids, max_new_tokens=30)
print(tok.decode(out[0], skip_special_tokens=True))
