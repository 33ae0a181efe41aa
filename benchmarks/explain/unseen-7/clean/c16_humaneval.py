"""pass@1 on HumanEval with and without the adapter."""
import gc
import json

import torch
from datasets import load_dataset
from peft import PeftModel
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList

BASE = "bigcode/starcoderbase-1b"
STOPS = ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]


class Stop(StoppingCriteria):
    def __init__(self, start, tokenizer):
        self.start, self.tokenizer = start, tokenizer

    def __call__(self, input_ids, scores, **kwargs):
        texts = self.tokenizer.batch_decode(input_ids[:, self.start :])
        return torch.tensor([any(s in t for s in STOPS) for t in texts], device=input_ids.device)


def cut(text):
    return text[: min([text.find(s) for s in STOPS if s in text] or [len(text)])]


@torch.inference_mode()
def solve(model, tokenizer, device):
    done = []
    for task in tqdm(load_dataset("openai/openai_humaneval", split="test")):
        enc = tokenizer(task["prompt"].strip(), return_tensors="pt").to(device)
        length = enc["input_ids"].shape[1]
        out = model.generate(
            **enc,
            max_new_tokens=300,
            pad_token_id=tokenizer.eos_token_id,
            stopping_criteria=StoppingCriteriaList([Stop(length, tokenizer)]),
        )
        done.append({"task_id": task["task_id"], "completion": cut(tokenizer.decode(out[0, length:], skip_special_tokens=True))})
    return done


def main():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    model = AutoModelForCausalLM.from_pretrained(BASE).to(device).eval()
    before = solve(model, tokenizer, device)
    model = PeftModel.from_pretrained(model, "acme/starcoderbase-1b-lora").to(device).eval()
    after = solve(model, tokenizer, device)
    for name, rows in {"base": before, "adapter": after}.items():
        with open(f"{name}.jsonl", "w") as f:
            f.writelines(json.dumps(r) + "\n" for r in rows)
    del model
    gc.collect()


if __name__ == "__main__":
    main()
