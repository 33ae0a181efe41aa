from peft import PromptTuningConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

tok = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2", use_cache=True)
model.gradient_checkpointing_enable()
pt = get_peft_model(model, PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=8))
opt = __import__("torch").optim.AdamW(pt.parameters(), lr=3e-2)


def epoch(loader):
    pt.train()
    for batch in loader:
        pt(**batch).loss.backward()
        opt.step()
        opt.zero_grad()


def sample(text):
    pt.train()
    enc = tok(text, return_tensors="pt")
    out = pt.generate(**enc, max_new_tokens=5)
    return tok.decode(out[0, enc.input_ids.shape[1]:], skip_special_tokens=True)
