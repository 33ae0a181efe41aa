import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PrefixTuningConfig, get_peft_model

tok = AutoTokenizer.from_pretrained("Salesforce/codegen-350M-mono")
pad = tok.eos_token_id
base = AutoModelForCausalLM.from_pretrained("Salesforce/codegen-350M-mono")
model = get_peft_model(base, PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=20))
opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)


def batches(texts, n=4):
    for i in range(0, len(texts), n):
        ids = [torch.tensor(tok(t)["input_ids"] + [pad]) for t in texts[i:i + n]]
        x = pad_sequence(ids, batch_first=True, padding_value=pad)
        m = pad_sequence([torch.ones_like(s) for s in ids], batch_first=True, padding_value=0)
        y = x.clone()
        y[m == 0] = -100
        yield {"input_ids": x, "attention_mask": m, "labels": y}


model.train()
for batch in batches(open("t.txt").read().split("\0")):
    loss = model(**batch).loss
    loss.backward()
    opt.step()
    opt.zero_grad()
model.save_pretrained("prefix")
