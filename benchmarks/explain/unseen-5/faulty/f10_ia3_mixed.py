import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import IA3Config, PeftModel, get_peft_model

name = "Salesforce/codegen-350M-multi"
tok = AutoTokenizer.from_pretrained(name, padding_side="left")
tok.pad_token = tok.eos_token
base = AutoModelForCausalLM.from_pretrained(name)

ia3 = IA3Config(task_type="CAUSAL_LM", target_modules=["qkv_proj", "fc_out"], feedforward_modules=["fc_out"])
model = get_peft_model(base, ia3, adapter_name="python")
model.load_adapter("ckpt/python", adapter_name="python")
model.load_adapter("ckpt/java", adapter_name="java")
model.eval()

prompts = ["def add(a, b):", "public static int add("]
batch = tok(prompts, padding=True, return_tensors="pt")
out = model.generate(**batch, adapter_names=["python", "java"], max_new_tokens=32)
for row in out[:, batch["input_ids"].shape[1]:]:
    print(tok.decode(row, skip_special_tokens=True))
