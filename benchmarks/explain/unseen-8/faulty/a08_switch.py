from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("codellama/CodeLlama-7b-hf")
model = AutoModelForCausalLM.from_pretrained("codellama/CodeLlama-7b-hf", dtype="auto")
model = PeftModel.from_pretrained(model, "me/python", adapter_name="python")
model.load_adapter("me/rust", adapter_name="rust")
model.eval()
inputs = tokenizer("fn main() {", return_tensors="pt")
out = model.generate(**inputs, max_new_tokens=60)
print(tokenizer.decode(out[0]))
