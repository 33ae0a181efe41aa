import gc
import glob
import json

import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer


def perplexity(model, tok, texts):
    total, count = 0.0, 0
    for t in texts:
        enc = tok(t, return_tensors="pt", truncation=True, max_length=1024).to(model.device)
        with torch.inference_mode():
            loss = model(**enc, labels=enc["input_ids"]).loss
        n = enc["input_ids"].shape[1] - 1
        total += loss.item() * n
        count += n
    return torch.exp(torch.tensor(total / count)).item()


texts = [json.loads(line)["text"] for line in open("held_out.jsonl")]
board = {}
for path in sorted(glob.glob("runs/*/final")):
    model = AutoPeftModelForCausalLM.from_pretrained(path, device_map="auto")
    model.eval()
    tok = AutoTokenizer.from_pretrained(path)
    board[path] = perplexity(model, tok, texts)
    del model
    gc.collect()
for path, ppl in sorted(board.items(), key=lambda kv: kv[1]):
    print(f"{ppl:8.3f}  {path}")
