import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, TextStreamer


def load_base(model_id, four_bit=True):
    kwargs = {"device_map": "auto"}
    if four_bit:
        kwargs["quantization_config"] = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.float16)
    return AutoModelForCausalLM.from_pretrained(model_id, **kwargs)


def prepare(model):
    model = model.half()
    model.eval()
    return model


if __name__ == "__main__":
    mid = "WizardLM/WizardCoder-15B-V1.0"
    tok = AutoTokenizer.from_pretrained(mid)
    model = prepare(load_base(mid))
    model = PeftModel.from_pretrained(model, "acme/wizardcoder-rust")
    streamer = TextStreamer(tok, skip_prompt=True, skip_special_tokens=True)
    text = "Below is an instruction.\n\n### Instruction:\nParse a date in Rust.\n\n### Response:"
    enc = tok(text, return_tensors="pt").to(model.device)
    model.generate(**enc, max_new_tokens=400, streamer=streamer)
