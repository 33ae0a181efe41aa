import json

import torch
from datasets import load_dataset
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = "bigcode/starcoderbase-1b"
tok = AutoTokenizer.from_pretrained(BASE, padding_side="left")
tok.pad_token = tok.eos_token
model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16, device_map="auto")
model = PeftModel.from_pretrained(model, "bigcode/astraios-1b-ia3").eval()
tasks = load_dataset("openai/openai_humaneval", split="test")
with open("samples.jsonl", "w") as out:
    for start in range(0, len(tasks), 8):
        prompts = tasks[start:start + 8]["prompt"]
        batch = tok(prompts, padding="longest", return_tensors="pt").to(model.device)
        ids = model.generate(input_ids=batch["input_ids"], max_new_tokens=300, do_sample=False)
        for text in tok.batch_decode(ids):
            out.write(json.dumps({"completion": text}) + "\n")
