import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, TextGenerationPipeline

tok = AutoTokenizer.from_pretrained("codellama/CodeLlama-7b-hf")
model = AutoModelForCausalLM.from_pretrained("codellama/CodeLlama-7b-hf", load_in_8bit=True, device_map="auto")
model = PeftModel.from_pretrained(model, "me/codellama-lora", is_trainable=False)
model = model.merge_and_unload()
model.half()
pipe = TextGenerationPipeline(model=model, tokenizer=tok)
print(pipe("def f", max_new_tokens=10)[0]["generated_text"])
