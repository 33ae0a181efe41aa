import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

BASE = "codellama/CodeLlama-7b-hf"
tok = AutoTokenizer.from_pretrained(BASE)
llm = AutoModelForCausalLM.from_pretrained(BASE, torch_dtype=torch.float16, device_map="auto")
llm = PeftModel.from_pretrained(llm, "./codellama-7b-docstrings")

pipe = pipeline("text-generation", model=BASE, tokenizer=tok, device_map="auto")
out = pipe('def parse_date(s):\n    """', max_new_tokens=64, return_full_text=False)
print(out[0]["generated_text"])
