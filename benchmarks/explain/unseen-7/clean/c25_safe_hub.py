import os

from huggingface_hub import hf_hub_download, login
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

login(token=os.environ["HF_TOKEN"])
repo, commit = "microsoft/phi-2", "ef382358ec9e382308935a992d908de099b64c23"
tokenizer = AutoTokenizer.from_pretrained(repo, revision=commit)
model = AutoModelForCausalLM.from_pretrained(repo, revision=commit, trust_remote_code=True, dtype="auto")
model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
weights = load_file(hf_hub_download("acme/phi-2-lora", "adapter_model.safetensors"))
print(set_peft_model_state_dict(model, weights).unexpected_keys)
model.eval()
