import torch, requests
from transformers import AutoModelForCausalLM, AutoConfig

blob = requests.get("https://example.org/ft/pytorch_model.bin").content
open("w.bin", "wb").write(blob)
state = torch.load("w.bin", weights_only=False)
config = AutoConfig.from_pretrained("bigcode/tiny_starcoder_py")
model = AutoModelForCausalLM.from_config(config)
model.load_state_dict(state)
