import json
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(base, adapter):
    tok = AutoTokenizer.from_pretrained(base)
    tok.padding_side = "left"
    if tok.pad_token is None:
        tok.pad_token = tok.eos_token  # generation only, the mask hides it
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16, device_map="auto")
    model = PeftModel.from_pretrained(model, adapter)
    model.eval()
    return tok, model


@torch.inference_mode()
def complete(tok, model, prompts):
    enc = tok(prompts, padding=True, return_tensors="pt").to(model.device)
    out = model.generate(**enc, max_new_tokens=192, do_sample=False)
    return tok.batch_decode(out[:, enc["input_ids"].shape[1]:], skip_special_tokens=True)


def main():
    tok, model = load("bigcode/starcoderbase-3b", "runs/sql-lora")
    problems = [json.loads(x) for x in Path("HumanEval.jsonl").read_text().splitlines()]
    done = []
    for i in range(0, len(problems), 16):
        part = problems[i:i + 16]
        done += zip((p["task_id"] for p in part), complete(tok, model, [p["prompt"] for p in part]))
    Path("completions.json").write_text(json.dumps(dict(done), indent=1))


if __name__ == "__main__":
    main()
