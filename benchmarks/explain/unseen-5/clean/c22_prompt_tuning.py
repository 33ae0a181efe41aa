from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel

name = "Salesforce/codegen-350M-mono"
tokenizer = AutoTokenizer.from_pretrained(name)
backbone = AutoModelForCausalLM.from_pretrained(name)
soft = PeftModel.from_pretrained(backbone, "codegen-commit-prompt")
soft.eval()
enc = tokenizer("- return a\n+ return a + b\n# ", return_tensors="pt")
out = soft.generate(**enc, max_new_tokens=20)
print(tokenizer.decode(out[0][enc["input_ids"].shape[1]:], skip_special_tokens=True).splitlines()[0])
