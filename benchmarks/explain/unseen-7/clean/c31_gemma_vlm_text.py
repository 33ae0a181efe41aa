from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel
import torch, os

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
mid = "google/gemma-2-2b-it"
tok = AutoTokenizer.from_pretrained(mid)
lm = PeftModel.from_pretrained(
    AutoModelForCausalLM.from_pretrained(mid, dtype=torch.bfloat16, device_map="auto", attn_implementation="eager"),
    os.path.expanduser("~/adapters/gemma-2-2b-it-lora"),
)
chat = tok.apply_chat_template([{"role": "user", "content": "Explain tail calls."}], tokenize=False, add_generation_prompt=True)
enc = tok(chat, add_special_tokens=False, return_tensors="pt").to(lm.device)
with torch.inference_mode():
    out = lm.generate(**enc, max_new_tokens=300)
print(tok.decode(out[0][enc["input_ids"].shape[-1]:], skip_special_tokens=True))
