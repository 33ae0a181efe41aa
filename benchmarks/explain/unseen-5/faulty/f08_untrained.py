import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-Coder-0.5B-Instruct")
model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-Coder-0.5B-Instruct")
config = LoraConfig.from_pretrained("./qwen-coder-go-lora")
model = get_peft_model(model, config)
model.eval()

prompt = tokenizer.apply_chat_template(
    [{"role": "user", "content": "Reverse a slice in Go"}],
    add_generation_prompt=True,
    return_tensors="pt",
    return_dict=True,
)
with torch.no_grad():
    out = model.generate(**prompt, max_new_tokens=128)
print(tokenizer.decode(out[0, prompt["input_ids"].shape[1]:], skip_special_tokens=True))
