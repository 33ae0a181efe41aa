import peft
import transformers
base = transformers.AutoModelForCausalLM.from_pretrained(pretrained_model_name_or_path="gpt2")
model = peft.PeftModel.from_pretrained(model=base, model_id="me/a")
base = transformers.GPT2LMHeadModel.from_pretrained("gpt2")
tokenizer = transformers.GPT2Tokenizer.from_pretrained("gpt2")
ids = tokenizer("x", return_tensors="pt")["input_ids"]
print(tokenizer.decode(base.generate(ids, max_new_tokens=5)[0][ids.shape[1]:], skip_special_tokens=True))
