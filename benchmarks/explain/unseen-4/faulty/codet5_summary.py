import pickle

import torch
from huggingface_hub import hf_hub_download
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

REPO = "Salesforce/codet5p-2b"


def load():
    tok = AutoTokenizer.from_pretrained("Salesforce/codet5p-2b")
    model = AutoModelForSeq2SeqLM.from_pretrained(REPO, dtype=torch.float16, trust_remote_code=True)
    return tok, model.to("cuda").eval()


def prompts():
    path = hf_hub_download("acme/code-prompts", "prompts.pkl", repo_type="dataset")
    with open(path, "rb") as f:
        return pickle.load(f)


tok, model = load()
for p in prompts():
    enc = tok(p, return_tensors="pt").to("cuda")
    enc["decoder_input_ids"] = enc["input_ids"].clone()
    out = model.generate(**enc, max_new_tokens=64)
    print(tok.decode(out[0], skip_special_tokens=True))
