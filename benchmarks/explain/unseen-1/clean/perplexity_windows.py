import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

device = "cuda"
model_id = "gpt2-large"
model = AutoModelForCausalLM.from_pretrained(model_id).to(device)
model.eval()
tokenizer = AutoTokenizer.from_pretrained(model_id)
encodings = tokenizer(open("wiki.txt").read(), return_tensors="pt")

max_length = model.config.n_positions
stride = 512
seq_len = encodings.input_ids.size(1)
total, tokens, prev_end = 0.0, 0, 0
for begin in tqdm(range(0, seq_len, stride)):
    end = min(begin + max_length, seq_len)
    trg_len = end - prev_end
    input_ids = encodings.input_ids[:, begin:end].to(device)
    target_ids = input_ids.clone()
    target_ids[:, :-trg_len] = -100
    with torch.no_grad():
        loss = model(input_ids, labels=target_ids).loss
    total += loss.item() * trg_len
    tokens += trg_len
    prev_end = end
    if end == seq_len:
        break
print(torch.exp(torch.tensor(total / tokens)))
