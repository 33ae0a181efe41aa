import torch
from peft import IA3Config, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

tok = AutoTokenizer.from_pretrained("gpt2", padding_side="left")
tok.pad_token = tok.eos_token
model = AutoModelForCausalLM.from_pretrained("gpt2")
conf = {name: IA3Config(task_type="CAUSAL_LM") for name in ("a", "b")}
model = get_peft_model(model, conf["a"], adapter_name="a")
model.add_adapter("b", conf["b"])


def train(name, loader, steps=100):
    model.set_adapter(name)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    model.train()
    for _, batch in zip(range(steps), loader):
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def answer(prompts, names):
    model.eval()
    batch = tok(prompts, padding=True, return_tensors="pt")
    with torch.no_grad():
        out = model.generate(**batch, adapter_names=names, max_new_tokens=16)
    return tok.batch_decode(out[:, batch["input_ids"].shape[1]:], skip_special_tokens=True)
