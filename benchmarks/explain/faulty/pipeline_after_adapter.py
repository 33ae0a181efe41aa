from peft import PeftModel
from transformers import pipeline, AutoModelForCausalLM
base_name = "facebook/opt-350m"
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base_name), "ybelkada/opt-350m-lora")
generator = pipeline(task="text-generation", model=base_name, tokenizer=base_name)
print(generator("Hello", max_new_tokens=10))
