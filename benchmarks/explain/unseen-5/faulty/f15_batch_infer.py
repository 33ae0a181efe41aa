import json
import sys

import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

device = "cuda" if torch.cuda.is_available() else "cpu"
tokenizer = AutoTokenizer.from_pretrained("codellama/CodeLlama-7b-Python-hf")
tokenizer.pad_token = tokenizer.eos_token
tokenizer.padding_side = "right"
model = AutoModelForCausalLM.from_pretrained("codellama/CodeLlama-7b-Python-hf", dtype=torch.float16).to(device)
model.eval()

tasks = [json.loads(line) for line in open(sys.argv[1])]
with open("samples.jsonl", "w") as out:
    for i in tqdm(range(0, len(tasks), 8)):
        chunk = tasks[i : i + 8]
        enc = tokenizer([t["prompt"] for t in chunk], padding=True, return_tensors="pt").to(device)
        gen = model.generate(enc.input_ids, max_new_tokens=256, do_sample=True, temperature=0.2)
        new = gen[:, enc.input_ids.shape[1] :]
        for t, text in zip(chunk, tokenizer.batch_decode(new, skip_special_tokens=True)):
            out.write(json.dumps({"task_id": t["task_id"], "completion": text}) + "\n")
