import json

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from peft import PeftModel
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer


def main(base="bigcode/starcoder2-3b", adapter="acme/starcoder2-docstrings"):
    acc = Accelerator()
    tok = AutoTokenizer.from_pretrained(base, padding_side="left", truncation_side="left")
    tok.pad_token = tok.eos_token
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(model, adapter)
    rows = [json.loads(x) for x in open("eval.jsonl")]
    loader = DataLoader(
        rows,
        batch_size=8,
        collate_fn=lambda b: tok([r["prompt"] for r in b], padding=True, truncation=True, max_length=2048, return_tensors="pt"),
    )
    model, loader = acc.prepare(model, loader)
    model.eval()
    texts = []
    for batch in loader:
        with torch.no_grad():
            out = acc.unwrap_model(model).generate(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], max_new_tokens=128, do_sample=False
            )
        out = out[:, batch["input_ids"].shape[1]:]
        texts.extend(tok.batch_decode(out, skip_special_tokens=True))
    texts = gather_object(texts)
    if acc.is_main_process:
        with open("out.json", "w") as f:
            json.dump(texts[: len(rows)], f)


if __name__ == "__main__":
    main()
