from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer


def export(adapter, to):
    model = AutoPeftModelForCausalLM.from_pretrained(adapter)
    model.merge_and_unload()
    model.save_pretrained(to)
    AutoTokenizer.from_pretrained(adapter).save_pretrained(to)


export("runs/lora", "runs/merged")
