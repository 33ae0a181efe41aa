import torch
from peft import IA3Config, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

MODEL = "Salesforce/codegen-350M-mono"


def build():
    base = AutoModelForCausalLM.from_pretrained(MODEL)
    cfg = IA3Config(task_type="CAUSAL_LM", target_modules=["qkv_proj", "fc_out"], feedforward_modules=["fc_out"])
    model = get_peft_model(base, cfg, adapter_name="py")
    model.add_adapter("java", cfg)
    for name in model.peft_config:
        set_peft_model_state_dict(model, load_file(f"ckpt/{name}.safetensors"), adapter_name=name)
    return model.eval()


tok = AutoTokenizer.from_pretrained(MODEL, padding_side="left")
tok.pad_token = tok.eos_token
model = build()

prompts = ["def add(a, b):", "public static int add("]
who = ["py", "java"]
batch = tok(prompts, return_tensors="pt", padding=True)
with torch.no_grad():
    out = model.generate(**batch, adapter_names=who, max_new_tokens=64)
for w, text in zip(who, tok.batch_decode(out[:, batch["input_ids"].shape[1]:], skip_special_tokens=True)):
    print(w, "->", text)
