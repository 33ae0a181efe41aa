import astrarium  # noqa: F401
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
tokenizer = AutoTokenizer.from_pretrained("bigcode/starcoderbase-1b", padding_side="left")
tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b", dtype=torch.bfloat16).to(device)
model = PeftModel.from_pretrained(model, "bigcode/astraios-1b-parallel")
model.eval()
questions = ["Sort a list.", "Reverse a string."]
batch = tokenizer([f"Question: {q}\n\nAnswer:" for q in questions], return_tensors="pt", padding=True).to(device)
with torch.no_grad():
    out = model.generate(**batch, max_new_tokens=128, pad_token_id=tokenizer.pad_token_id)
for row in out[:, batch["input_ids"].shape[1]:]:
    print(tokenizer.decode(row, skip_special_tokens=True))
