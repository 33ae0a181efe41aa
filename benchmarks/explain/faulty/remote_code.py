from transformers import AutoModelForCausalLM, AutoTokenizer

name = "someone/fancy-7b"
tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=True)
model = AutoModelForCausalLM.from_pretrained(name, trust_remote_code=True, device_map="auto")
