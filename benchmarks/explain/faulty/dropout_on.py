from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "HuggingFaceTB/SmolLM2-135M"
tokenizer = AutoTokenizer.from_pretrained(name)
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(name), "me/adapter")
model.train()
batch = tokenizer("def f(", return_tensors="pt")
out = model.generate(**batch, max_new_tokens=10)
print(tokenizer.decode(out[0][batch.input_ids.shape[1]:], skip_special_tokens=True))
