import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

tok = AutoTokenizer.from_pretrained("bigcode/starcoderbase-1b")
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b")
dev = "cuda" if torch.cuda.is_available() else "cpu"
model.to(dev)


def score(prompt, answer):
    enc = tok(prompt + answer, return_tensors="pt")
    n = len(tok(prompt).input_ids)
    logits = model(enc.input_ids).logits
    logp = torch.log_softmax(logits[0, n - 1:-1], -1)
    return logp.gather(1, enc.input_ids[0, n:, None]).sum().item()


model.eval()
print(score("def add(a, b):\n", "    return a + b"), score("def add(a, b):\n", "    return a - b"))
