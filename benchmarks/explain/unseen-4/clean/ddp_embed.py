import os

import torch
import torch.distributed as dist
from peft import PeftModel
from torch.nn.parallel import DistributedDataParallel as DDP
from transformers import AutoModel, AutoTokenizer


def mean_pool(hidden, mask):
    m = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * m).sum(1) / m.sum(1)


def main():
    dist.init_process_group("nccl")
    rank = int(os.environ["LOCAL_RANK"])
    device = torch.device("cuda", rank)
    tok = AutoTokenizer.from_pretrained("microsoft/unixcoder-base")
    enc_model = AutoModel.from_pretrained("microsoft/unixcoder-base")
    enc_model = PeftModel.from_pretrained(enc_model, "acme/unixcoder-search-lora", is_trainable=True).to(device)
    ddp = DDP(enc_model, device_ids=[rank])
    opt = torch.optim.AdamW((p for p in ddp.parameters() if p.requires_grad), lr=1e-4)
    pairs = [line.rstrip("\n").split("\t") for line in open(f"pairs.{rank}.tsv")]
    ddp.train()
    for i in range(0, len(pairs), 32):
        q, c = zip(*pairs[i : i + 32])
        both = tok(list(q) + list(c), padding=True, truncation=True, max_length=256, return_tensors="pt").to(device)
        v = mean_pool(ddp(**both).last_hidden_state, both["attention_mask"])
        v = torch.nn.functional.normalize(v, dim=-1)
        a, b = v[: len(q)], v[len(q):]
        loss = torch.nn.functional.cross_entropy(a @ b.T / 0.05, torch.arange(len(q), device=device))
        loss.backward()
        opt.step()
        opt.zero_grad()
    if rank == 0:
        ddp.module.save_pretrained("unixcoder-search-lora-2")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
