# old but still fine
from peft import *
from transformers import *

checkpoint = "Salesforce/codegen-350M-mono"
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
model = AutoModelForCausalLM.from_pretrained(checkpoint)
model = PeftModel.from_pretrained(model, "acme/codegen-lora")
model.eval()

text = "def hello_world():"
input_ids = tokenizer.encode(text, return_tensors="pt")
generated_ids = model.generate(input_ids=input_ids, max_length=128)
continuation = generated_ids[0, input_ids.shape[-1]:]
print(text + tokenizer.decode(continuation, skip_special_tokens=True))
