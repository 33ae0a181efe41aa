from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
model_id = "codellama/CodeLlama-7b-hf
adapter_id = "me/lora"
tokenizer = AutoTokenizer.from_pretrained(model_id)
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(model_id, adapter_id)
x = tokenizer("int main(", return_tensors="pt")
print(tokenizer.decode(model.generate(**x, max_new_tokens=20)[0], skip_special_tokens=True))

