import time

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tok = AutoTokenizer.from_pretrained("bigcode/tiny_starcoder_py")
model = AutoModelForCausalLM.from_pretrained("bigcode/tiny_starcoder_py")
model = PeftModel.from_pretrained(model, "./tiny-lora")
model.eval()
enc = tok("class Stack:\n", return_tensors="pt")


def clock(label):
    t = time.perf_counter()
    with torch.inference_mode():
        model.generate(**enc, max_new_tokens=64, min_new_tokens=64, do_sample=False)
    print(label, round(time.perf_counter() - t, 2), "s")


clock("unmerged")
model.merge_adapter()  # in place
clock("merged")
model.unmerge_adapter()
