from dataclasses import dataclass

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


@dataclass
class RunConfig:
    base: str = "bigcode/starcoderbase-3b"
    adapter: str = "bigcode/astraios-7b-lora"
    max_new_tokens: int = 256


cfg = RunConfig()


def build(c: RunConfig):
    tokenizer = AutoTokenizer.from_pretrained(c.base)
    model = AutoModelForCausalLM.from_pretrained(c.base, dtype=torch.bfloat16, device_map="auto")
    model = PeftModel.from_pretrained(model, c.adapter)
    model.eval()
    return tokenizer, model


tokenizer, model = build(cfg)
question = "Question: Write a function that reverses the words of a sentence.\n\nAnswer:"
inputs = tokenizer(question, return_tensors="pt").to(model.device)
out = model.generate(**inputs, max_new_tokens=cfg.max_new_tokens)
answer = tokenizer.decode(out[0][inputs.input_ids.shape[-1]:], skip_special_tokens=True)
print(answer)
