from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("gpt2")
tok = AutoTokenizer.from_pretrained("gpt2")
peft_model = PeftModel.from_pretrained(base, "me/gpt2-p-tuning")
peft_model.eval()
ids = tok("Hello", return_tensors="pt")
out = base.generate(**ids, max_new_tokens=20)
print(tok.batch_decode(out[:, ids.input_ids.shape[1]:], skip_special_tokens=True))
