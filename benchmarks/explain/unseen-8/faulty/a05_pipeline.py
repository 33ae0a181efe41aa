from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

base_id = "Qwen/Qwen2.5-Coder-1.5B"
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base_id), "team/qwen-sql-lora")
generator = pipeline(task="text-generation", model=base_id, tokenizer=AutoTokenizer.from_pretrained(base_id))
for prompt in ("SELECT", "-- count users"):
    print(generator(prompt, max_new_tokens=40)[0]["generated_text"])
