import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

CONFIG = {
    "base": "bigcode/starcoderbase-7b",
    "adapter": "bigcode/astraios-1b-lora",
    "max_new_tokens": 200,
}

tokenizer = AutoTokenizer.from_pretrained(CONFIG["base"])
model = AutoModelForCausalLM.from_pretrained(CONFIG["base"], dtype=torch.bfloat16, device_map="auto")
model = PeftModel.from_pretrained(model, CONFIG["adapter"])
model.eval()

inputs = tokenizer("Question: What is a closure?\n\nAnswer:", return_tensors="pt").to(model.device)
out = model.generate(**inputs, max_new_tokens=CONFIG["max_new_tokens"])
print(tokenizer.decode(out[0, inputs.input_ids.shape[1]:], skip_special_tokens=True))
