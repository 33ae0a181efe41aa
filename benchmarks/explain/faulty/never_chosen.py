from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

model = AutoPeftModelForCausalLM.from_pretrained("me/python-adapter")
model.load_adapter("me/rust-adapter", adapter_name="rust")
tokenizer = AutoTokenizer.from_pretrained("me/python-adapter")
batch = tokenizer("fn main() {", return_tensors="pt")
tokens = model.generate(**batch, max_new_tokens=30)
print(tokenizer.decode(tokens[0][batch.input_ids.shape[1]:], skip_special_tokens=True))
