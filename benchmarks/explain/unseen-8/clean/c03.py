import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-Coder-0.5B", dtype="auto")
model = PeftModel.from_pretrained(model, "me/python-lora", adapter_name="python")
model.load_adapter("me/go-lora", adapter_name="go")
tok = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-Coder-0.5B", padding_side="left")
model.eval()


@torch.no_grad()
def answers(prompts, names):
    batch = tok(prompts, padding=True, return_tensors="pt")
    out = model.generate(**batch, adapter_names=names, max_new_tokens=64)
    return tok.batch_decode(out[:, batch["input_ids"].shape[1]:], skip_special_tokens=True)


print(answers(["def f():", "func main() {"], ["python", "go"]))
