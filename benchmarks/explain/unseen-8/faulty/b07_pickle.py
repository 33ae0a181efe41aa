import pickle
import urllib.request

import torch
from peft import PeftModel, set_peft_model_state_dict, LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(task_type="CAUSAL_LM"))
urllib.request.urlretrieve("https://example.org/adapter.bin", "adapter.bin")
set_peft_model_state_dict(model, torch.load("adapter.bin", weights_only=False))
vocab = pickle.load(urllib.request.urlopen("https://example.org/vocab.pkl"))
model.save_pretrained("adapter")
