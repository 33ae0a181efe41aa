import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

MODEL = "bigcode/starcoder2-3b"
GREEDY = GenerationConfig(max_new_tokens=256, do_sample=False)


def load():
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.bfloat16, device_map="auto")
    model = PeftModel.from_pretrained(model, "acme/starcoder2-typing-lora")
    GREEDY.pad_token_id = tokenizer.eos_token_id
    return model.eval(), tokenizer


def complete(model, tokenizer, prompt, config=GREEDY):
    enc = tokenizer(prompt, return_tensors="pt").to(model.device)
    out = model.generate(**enc, generation_config=config)
    return tokenizer.decode(out[0][len(enc["input_ids"][0]):], skip_special_tokens=True)


if __name__ == "__main__":
    print(complete(*load(), "def typed_add("))
