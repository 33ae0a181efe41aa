from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "HuggingFaceTB/SmolLM2-135M"
tokenizer = AutoTokenizer.from_pretrained(name)
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(name), "me/adapter")
inputs = tokenizer("def f(", return_tensors="pt")


def text(tokens):
    return tokenizer.decode(tokens[0][inputs.input_ids.shape[1]:], skip_special_tokens=True)


print("tuned", text(model.generate(**inputs, max_new_tokens=30)))
with model.disable_adapter():
    print("base", text(model.generate(**inputs, max_new_tokens=30)))
