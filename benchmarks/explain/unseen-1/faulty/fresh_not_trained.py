import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer


def load_tuned(base_id, adapter_dir):
    model = AutoModelForCausalLM.from_pretrained(base_id)
    config = LoraConfig.from_pretrained(adapter_dir)
    model = get_peft_model(model, config)
    model.eval()
    return model


base_id = "gpt2-medium"
tokenizer = AutoTokenizer.from_pretrained(base_id)
model = load_tuned(base_id, "runs/gpt2-lora")
enc = tokenizer("Once upon a time", return_tensors="pt")
with torch.no_grad():
    out = model.generate(**enc, max_new_tokens=40, do_sample=True, top_p=0.9)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))
