from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline


def build(base_id, adapter_id):
    tokenizer = AutoTokenizer.from_pretrained(base_id)
    model = AutoModelForCausalLM.from_pretrained(base_id, dtype="auto", device_map="auto")
    model = PeftModel.from_pretrained(model, adapter_id).merge_and_unload()
    return pipeline("text-generation", model=model, tokenizer=tokenizer)


generate = build("bigcode/starcoder2-3b", "acme/starcoder2-docstrings")
result = generate("def add(a, b):\n    \"\"\"", max_new_tokens=40, return_full_text=False)
print(result[0]["generated_text"])
