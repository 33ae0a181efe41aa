import gc
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = "Qwen/Qwen2.5-Coder-0.5B-Instruct"
tok = AutoTokenizer.from_pretrained(BASE)


def load(adapter):
    # IA3 and LoRA change the base in place, so each adapter gets a base of its own
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype="auto", device_map="cpu")
    return PeftModel.from_pretrained(base, adapter).eval() if adapter else base.eval()


for adapter in (None, "lora-a", "lora-b"):
    model = load(adapter)
    enc = tok.apply_chat_template([{"role": "user", "content": "hi"}], add_generation_prompt=True, return_tensors="pt", return_dict=True)
    out = model.generate(**enc, max_new_tokens=16)
    print(adapter, tok.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
    del model
    gc.collect()
