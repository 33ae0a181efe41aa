import torch
from peft import AdaLoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "bigcode/starcoderbase-1b"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name)
config = AdaLoraConfig(task_type="CAUSAL_LM", target_modules=["c_attn"], total_step=1000, inference_mode=True)
model = get_peft_model(model, config)
model.eval()
enc = tokenizer("def main():", return_tensors="pt")
with torch.no_grad():
    out = model.generate(**enc, max_new_tokens=20)
print(tokenizer.decode(out[0, enc["input_ids"].shape[1] :], skip_special_tokens=True))
