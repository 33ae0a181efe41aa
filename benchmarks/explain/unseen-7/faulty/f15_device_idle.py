import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def run(prompt: str) -> str:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained("bigcode/tiny_starcoder_py")
    model = AutoModelForCausalLM.from_pretrained("bigcode/tiny_starcoder_py")
    model = PeftModel.from_pretrained(model, "acme/tiny_starcoder_py-lora")
    ids = tokenizer.encode(prompt, return_tensors="pt")
    with torch.inference_mode():
        out = model.generate(ids, max_new_tokens=32, pad_token_id=tokenizer.eos_token_id)
    return tokenizer.decode(out[0, ids.size(1) :], skip_special_tokens=True)


if __name__ == "__main__":
    print(run("def gcd(a, b):"))
