import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LogitsProcessor, LogitsProcessorList


class Ban(LogitsProcessor):
    def __init__(self, ids):
        self.ids = ids

    def __call__(self, input_ids, scores):
        scores[:, self.ids] = -float("inf")
        return scores


tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-135M")
model = AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-135M").eval()
banned = tokenizer(["bad", " bad"], add_special_tokens=False)["input_ids"]
processors = LogitsProcessorList([Ban([i for ids in banned for i in ids])])
enc = tokenizer("This is", return_tensors="pt")
with torch.inference_mode():
    out = model.generate(**enc, logits_processor=processors, max_new_tokens=24, do_sample=True, top_k=40)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
