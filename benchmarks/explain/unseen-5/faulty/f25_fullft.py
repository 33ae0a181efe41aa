import torch
from torch.utils.data import DataLoader
from datasets import load_from_disk
from transformers import AutoModelForCausalLM, default_data_collator


def main():
    model = AutoModelForCausalLM.from_pretrained("bigcode/tiny_starcoder_py").cuda()
    model.gradient_checkpointing_enable()
    model.config.use_cache = True
    data = load_from_disk("packed_1024")
    loader = DataLoader(data, batch_size=8, shuffle=True, collate_fn=default_data_collator)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)

    model.train()
    for step, batch in enumerate(loader):
        batch = {k: v.cuda() for k, v in batch.items()}
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 50 == 0:
            print(f"{step}: {loss.item():.3f}")
    model.save_pretrained("tiny-starcoder-ours")


if __name__ == "__main__":
    main()
