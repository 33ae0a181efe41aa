import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

NAME = "HuggingFaceTB/SmolLM2-135M"
tokenizer = AutoTokenizer.from_pretrained(NAME)
untouched = AutoModelForCausalLM.from_pretrained(NAME)
tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(NAME), "acme/smollm2-135m-lora")


@torch.no_grad()
def logits(model, text):
    return model(**tokenizer(text, return_tensors="pt")).logits[0, -1]


for text in ("import ", "class "):
    gap = torch.nn.functional.kl_div(
        logits(tuned, text).log_softmax(-1), logits(untouched, text).log_softmax(-1), log_target=True, reduction="sum"
    )
    print(f"{text!r}: {gap.item():.4f}")
