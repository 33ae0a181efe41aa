import torch
from peft import PeftModel
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("facebook/opt-125m")
model = PeftModel.from_pretrained(base, "acme/a", adapter_name="a")
model.load_adapter("acme/b", adapter_name="b")
first = get_peft_model_state_dict(model, adapter_name="a")
second = get_peft_model_state_dict(model, adapter_name="b")
mean = {key: (first[key] + second[key]) / 2 for key in first}
set_peft_model_state_dict(model, mean, adapter_name="a")
model.set_adapter("a")
model.save_pretrained("mean", selected_adapters=["a"])
