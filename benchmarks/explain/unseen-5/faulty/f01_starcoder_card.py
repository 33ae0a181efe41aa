# Quick start from my model card
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

base_id = "bigcode/starcoderbase-1b"
adapter_id = "kovacs/starcoderbase-1b-sql-lora"

tokenizer = AutoTokenizer.from_pretrained(base_id)
model = AutoModelForCausalLM.from_pretrained(base_id)
model = PeftModel.from_pretrained(model, adapter_id)

# put it on the gpu
model = AutoModelForCausalLM.from_pretrained(base_id).to("cuda")
model.eval()

inputs = tokenizer("-- monthly revenue per customer\nSELECT", return_tensors="pt").to("cuda")
outputs = model.generate(**inputs)
answer = outputs[0][inputs["input_ids"].shape[1]:]
print(tokenizer.decode(answer, skip_special_tokens=True))
