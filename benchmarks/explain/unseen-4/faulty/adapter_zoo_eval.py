# compares the parameter-efficient methods on my 40 questions
import json

import torch
from peft import PeftModel
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = "bigcode/starcoderbase-1b"
METHODS = ["lora", "ia3", "adapterh"]


def load(method):
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(base, f"bigcode/astraios-1b-{method}")
    return model.to("cuda").eval()


def main():
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    questions = [json.loads(x)["q"] for x in open("questions.jsonl")]
    results = {}
    for m in METHODS:
        model = load(m)
        answers = []
        for q in tqdm(questions, desc=m):
            enc = tokenizer(f"Question: {q}\n\nAnswer:", return_tensors="pt").to("cuda")
            with torch.inference_mode():
                out = model.generate(**enc, max_new_tokens=300, do_sample=False)
            answers.append(tokenizer.decode(out[0, enc.input_ids.size(1):], skip_special_tokens=True))
        results[m] = answers
        del model
        torch.cuda.empty_cache()
    json.dump(results, open("answers.json", "w"), indent=1)


if __name__ == "__main__":
    main()
