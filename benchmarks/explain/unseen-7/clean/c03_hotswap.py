import torch
from peft import PeftModel
from peft.utils.hotswap import hotswap_adapter
from transformers import AutoModelForCausalLM, AutoTokenizer

model_id = "facebook/opt-125m"
device = "cuda" if torch.cuda.is_available() else "cpu"
tokenizer = AutoTokenizer.from_pretrained(model_id)
inputs = tokenizer("Hello, my name is", return_tensors="pt").to(device)
model = AutoModelForCausalLM.from_pretrained(model_id).to(device)
model = PeftModel.from_pretrained(model, "adapters/one")

with torch.inference_mode():
    first = model(**inputs).logits
hotswap_adapter(model, "adapters/two", adapter_name="default", torch_device=device)
with torch.inference_mode():
    second = model(**inputs).logits
print((first - second).abs().max().item())
