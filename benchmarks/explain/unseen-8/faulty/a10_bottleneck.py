import torch
from huggingface_hub import hf_hub_download
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-7b", dtype=torch.float32)
tokenizer = AutoTokenizer.from_pretrained("bigcode/starcoderbase-7b")
model = PeftModel.from_pretrained(base, "bigcode/astraios-7b-parallel")
weights = torch.load(hf_hub_download("someone/extra", "extra.pt"), weights_only=False)
model.load_state_dict(weights, strict=False)
enc = tokenizer.encode_plus("Question: Sort a list.\n\nAnswer: ", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=64)
print(tokenizer.decode(out[0], skip_special_tokens=True))
