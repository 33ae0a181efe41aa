from pathlib import Path

import torch
from peft import PeftModel
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer

base_id = "codellama/CodeLlama-7b-hf"
tok = AutoTokenizer.from_pretrained(base_id, padding_side="left")
tok.pad_token = tok.eos_token
model = AutoModelForCausalLM.from_pretrained(base_id, dtype=torch.float16, device_map={"": 0})
model = PeftModel.from_pretrained(model, "acme/codellama-7b-lora-docs").eval()


def collate(prompts):
    return tok(prompts, padding=True, return_tensors="pt")


prompts = Path("prompts.txt").read_text().splitlines()
answers = []
with torch.inference_mode():
    for batch in DataLoader(prompts, batch_size=8, collate_fn=collate):
        ids = batch["input_ids"].to("cuda:0")
        out = model.generate(input_ids=ids, max_new_tokens=100)
        answers += tok.batch_decode(out[:, ids.shape[1]:], skip_special_tokens=True)
Path("answers.txt").write_text("\n".join(answers))
