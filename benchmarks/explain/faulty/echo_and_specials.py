from transformers import AutoModelForCausalLM, AutoTokenizer

t = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-135M")
m = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M")
x = t("import numpy", return_tensors="pt")
y = m.generate(**x, max_new_tokens=30)
print(f"answer: {t.decode(y[0])}")
