"""The adapter methods that transformers itself has."""
from transformers import AutoModelForCausalLM, AutoTokenizer

BASE = "Qwen/Qwen2.5-Coder-1.5B"


def open_with(adapter):
    model = AutoModelForCausalLM.from_pretrained(BASE, device_map="auto")
    model.load_adapter(adapter)
    return model


def open_directly(adapter):
    # from_pretrained sees adapter_config.json and takes the base from there
    return AutoModelForCausalLM.from_pretrained(adapter, device_map="auto")


def main():
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    enc = tokenizer("SELECT", return_tensors="pt")
    for opener in (open_with, open_directly):
        model = opener("acme/qwen-coder-sql")
        out = model.generate(**enc.to(model.device), max_new_tokens=30, do_sample=False)
        print(opener.__name__, tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))


if __name__ == "__main__":
    main()
