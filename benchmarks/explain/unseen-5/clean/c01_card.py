from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

base = AutoModelForCausalLM.from_pretrained("codellama/CodeLlama-7b-hf", device_map="auto")
tokenizer = AutoTokenizer.from_pretrained("codellama/CodeLlama-7b-hf")
model = PeftModel.from_pretrained(base, "agarcia/codellama-7b-kotlin-lora").eval()

prompt = "fun main() {\n    val numbers = listOf(1, 2, 3)\n"
inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
tokens = model.generate(**inputs, max_new_tokens=80, do_sample=False)
n = inputs["input_ids"].shape[1]
print(prompt + tokenizer.decode(tokens[0][n:], skip_special_tokens=True))
