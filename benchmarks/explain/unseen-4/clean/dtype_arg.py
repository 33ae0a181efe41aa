import argparse
import time

import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--adapter", required=True)
    p.add_argument("--dtype", choices=DTYPES, default="bf16")
    p.add_argument("--device", default="cuda")
    p.add_argument("--tokens", type=int, default=128)
    p.add_argument("--repeat", type=int, default=5)
    return p.parse_args()


def bench(model, enc, n):
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    t = time.perf_counter()
    model.generate(**enc, min_new_tokens=n, max_new_tokens=n, do_sample=False)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return n / (time.perf_counter() - t)


if __name__ == "__main__":
    opts = parse()
    model = AutoPeftModelForCausalLM.from_pretrained(opts.adapter, dtype=DTYPES[opts.dtype])
    model = model.to(opts.device).eval()
    tok = AutoTokenizer.from_pretrained(model.peft_config["default"].base_model_name_or_path)
    enc = tok("def quicksort(xs):", return_tensors="pt").to(opts.device)
    bench(model, enc, 8)
    speeds = [bench(model, enc, opts.tokens) for _ in range(opts.repeat)]
    print(f"{sum(speeds) / len(speeds):.1f} tokens/s")
