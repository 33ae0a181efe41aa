import argparse

import torch
from peft import PeftModel, PrefixTuningConfig, TaskType, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer


def attach_prefix(lm, length):
    return get_peft_model(lm, PrefixTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=length))


parser = argparse.ArgumentParser()
parser.add_argument("weights")
parser.add_argument("--length", type=int, default=30)
args = parser.parse_args()

name = "bigcode/tiny_starcoder_py"
tokenizer = AutoTokenizer.from_pretrained(name)
lm = AutoModelForCausalLM.from_pretrained(name)
prefixed = attach_prefix(lm, args.length)
prefixed.prompt_encoder.load_state_dict(load_file(args.weights))
prefixed.eval()

inputs = tokenizer("# sort a list of dicts by a key\n", return_tensors="pt")
with torch.no_grad():
    out = lm.generate(**inputs, max_new_tokens=80)
print(tokenizer.decode(out[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
