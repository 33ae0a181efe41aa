import json

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

settings = {"model": "EleutherAI/pythia-410m", "batch": 8, "new": 32}

tokenizer = AutoTokenizer.from_pretrained(settings["model"])
tokenizer.pad_token = tokenizer.eos_token
tokenizer.padding_side = "left"
model = AutoModelForCausalLM.from_pretrained(settings["model"]).eval()

prompts = [json.loads(line)["prompt"] for line in open("prompts.jsonl")]
answers = []
for start in range(0, len(prompts), settings["batch"]):
    chunk = prompts[start:start + settings["batch"]]
    enc = tokenizer(chunk, return_tensors="pt", padding=True)
    with torch.no_grad():
        out = model.generate(enc.input_ids, max_new_tokens=settings["new"])
    answers += tokenizer.batch_decode(out[:, enc.input_ids.shape[1]:], skip_special_tokens=True)
json.dump(answers, open("answers.json", "w"))
