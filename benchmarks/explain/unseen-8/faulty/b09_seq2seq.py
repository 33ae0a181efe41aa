import torch
from peft import PeftModel, PeftConfig
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

peft_id = "me/t5-prefix"
config = PeftConfig.from_pretrained(peft_id)
model = AutoModelForSeq2SeqLM.from_pretrained(config.base_model_name_or_path)
tokenizer = AutoTokenizer.from_pretrained(config.base_model_name_or_path)
PeftModel.from_pretrained(model, peft_id)
model.eval()
with torch.no_grad():
    enc = tokenizer("summarize: def f(): pass", return_tensors="pt")
    out = model.generate(**enc, max_new_tokens=20)
print(tokenizer.batch_decode(out, skip_special_tokens=True))
