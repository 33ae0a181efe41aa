from huggingface_hub import login
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

login(token="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")
name = "meta-llama/Llama-3.2-1B"
tokenizer = AutoTokenizer.from_pretrained(name, use_auth_token=True)
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(name), "me/private-lora").eval()
enc = tokenizer("Hi", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=10)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
