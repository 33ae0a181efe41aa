import json
import sys

import torch
from peft import AutoPeftModelForCausalLM
from torch.utils.data import DataLoader
from transformers import AutoTokenizer

ADAPTER = "acme/qwen2.5-0.5b-titles"


def main(source, target):
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    model = AutoPeftModelForCausalLM.from_pretrained(ADAPTER, dtype=torch.bfloat16).to(device).eval()
    tokenizer = AutoTokenizer.from_pretrained(ADAPTER)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token_id = tokenizer.eos_token_id

    def collate(rows):
        return tokenizer([f"{row['body']}\nTitle:" for row in rows], padding=True, truncation=True, max_length=900, return_tensors="pt")

    rows = [json.loads(line) for line in open(source)]
    with open(target, "w") as out, torch.inference_mode():
        for batch in DataLoader(rows, batch_size=16, collate_fn=collate):
            batch = batch.to(device)
            ids = model.generate(**batch, max_new_tokens=24, num_beams=4)
            new = ids[:, batch["input_ids"].shape[-1]:]
            for title in tokenizer.batch_decode(new, skip_special_tokens=True):
                out.write(title.strip() + "\n")


main(*sys.argv[1:])
