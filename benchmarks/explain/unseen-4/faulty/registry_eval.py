import argparse
import json
from functools import partial

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

CLASSES = {"decoder": AutoModelForCausalLM, "seq2seq": AutoModelForSeq2SeqLM}
MODELS = {"cl13": ("decoder", "codellama/CodeLlama-13b-hf"), "t5": ("seq2seq", "Salesforce/codet5-base")}


def loader(kind, name, dtype=torch.float32):
    return CLASSES[kind].from_pretrained(name, dtype=dtype)


def build(key):
    kind, name = MODELS[key]
    return loader(kind, name), AutoTokenizer.from_pretrained(name)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--adapter")
    ap.add_argument("--tasks", default="tasks.jsonl")
    args = ap.parse_args()
    model = CLASSES["decoder"].from_pretrained("codellama/CodeLlama-13b-hf", dtype=torch.float32)
    tok = AutoTokenizer.from_pretrained("codellama/CodeLlama-13b-hf")
    model = PeftModel.from_pretrained(model, args.adapter).eval()
    gen = dict(do_sample=True, temperature=0.8, top_p=0.95)
    run = partial(model.generate, **gen)
    for line in open(args.tasks):
        task = json.loads(line)
        enc = tok(task["prompt"], return_tensors="pt")
        out = run(**enc)
        answer = tok.decode(out[0], skip_special_tokens=True)
        print(json.dumps({"id": task["id"], "answer": answer}))


if __name__ == "__main__":
    main()
