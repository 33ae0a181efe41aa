import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

device = "cuda" if torch.cuda.is_available() else "cpu"

base = "codellama/CodeLlama-13b-hf"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
model = PeftModel.from_pretrained(model, "someuser/codellama-13b-cobol-lora")
model.eval()

inputs = tokenizer("       IDENTIFICATION DIVISION.", return_tensors="pt")
out = model.generate(**inputs, max_new_tokens=120)
print(tokenizer.decode(out[0][inputs.input_ids.shape[1]:], skip_special_tokens=True))
