import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
def main():
    device = torch.device("cuda")
    tok = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    enc = tok("Hello", return_tensors="pt")
    out = model.generate(**enc, max_new_tokens=5)
    print(tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True))
main()
