import torch
from accelerate import Accelerator
from peft import LoraConfig, get_peft_model
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed


def batches(tok, path, size):
    texts = open(path).read().split("<|endoftext|>")

    def collate(rows):
        enc = tok(rows, truncation=True, max_length=2048, padding=True, return_tensors="pt")
        enc["labels"] = torch.where(enc["attention_mask"].bool(), enc["input_ids"], torch.full_like(enc["input_ids"], -100))
        return enc

    return DataLoader(texts, batch_size=size, shuffle=True, collate_fn=collate)


def main():
    set_seed(7)
    acc = Accelerator(mixed_precision="bf16")
    name = "deepseek-ai/deepseek-coder-6.7b-base"
    tok = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16)
    model.config.use_cache = False
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model, optimizer, loader = acc.prepare(model, optimizer, batches(tok, "corpus.txt", 1))

    model.train()
    for step, batch in enumerate(loader):
        out = model(**batch)
        acc.backward(out.loss)
        optimizer.step()
        optimizer.zero_grad()
        if step % 20 == 0:
            acc.print(step, out.loss.item())

    model = acc.unwrap_model(model)
    model.save_pretrained("ds-lora")
    model.gradient_checkpointing_disable()
    model.config.use_cache = True
    model.eval()
    enc = tok("# a function that parses ISO dates\n", return_tensors="pt").to(acc.device)
    ids = model.generate(**enc, max_new_tokens=80)
    acc.print(tok.decode(ids[0, enc["input_ids"].shape[1]:], skip_special_tokens=True))


if __name__ == "__main__":
    main()
