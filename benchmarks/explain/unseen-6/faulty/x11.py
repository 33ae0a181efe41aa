from peft import BottleneckConfig, get_peft_model
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b")
model = get_peft_model(model, BottleneckConfig(bottleneck_size=128, target_modules=["c_proj"], task_type="CAUSAL_LM"))
