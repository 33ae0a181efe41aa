import torch
from peft import LoraConfig, get_peft_model, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.trainer_utils import set_seed

set_seed(0)
tok = AutoTokenizer.from_pretrained("gpt2")
base = AutoModelForCausalLM.from_pretrained("gpt2")
config = LoraConfig(r=4, task_type="CAUSAL_LM", target_modules=["c_attn"], fan_in_fan_out=True)
net = get_peft_model(base, config)
net.print_trainable_parameters()
opt = torch.optim.AdamW((p for p in net.parameters() if p.requires_grad), lr=1e-3)
for step in range(10):
    batch = tok("hello world", return_tensors="pt")
    loss = net(**batch, labels=batch["input_ids"]).loss
    loss.backward()
    opt.step()
    opt.zero_grad()
net.eval()
net.save_pretrained("x")
again = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("gpt2"), "x")
enc = tok("hello", return_tensors="pt")
with torch.no_grad():
    print(torch.allclose(again(**enc).logits, net(**enc).logits))
