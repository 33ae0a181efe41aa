import json
import sys

import torch
from datasets import load_dataset
from peft import PeftModel
from tqdm.auto import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList

EOF = ["\nclass", "\ndef", "\n#", "\n@", "\nprint", "\nif"]
device = "cuda" if torch.cuda.is_available() else "cpu"


class EndOfFunction(StoppingCriteria):
    def __init__(self, start, tokenizer):
        self.start = start
        self.tokenizer = tokenizer

    def __call__(self, input_ids, scores, **kwargs):
        done = [any(s in t for s in EOF) for t in self.tokenizer.batch_decode(input_ids[:, self.start:])]
        return torch.tensor(done, device=input_ids.device)


def main(base, adapter, out):
    tok = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).to(device)
    model = PeftModel.from_pretrained(model, adapter).eval()
    with open(out, "w") as f:
        for task in tqdm(load_dataset("openai_humaneval", split="test")):
            prompt = task["prompt"].strip()
            enc = tok(prompt, return_tensors="pt").to(device)
            crit = StoppingCriteriaList([EndOfFunction(enc["input_ids"].shape[1], tok)])
            gen = model.generate(**enc, max_new_tokens=300, do_sample=False, stopping_criteria=crit)
            full = tok.decode(gen[0], skip_special_tokens=True)
            completion = full[len(prompt):]
            f.write(json.dumps({"task_id": task["task_id"], "completion": completion}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:4])
