from peft import get_peft_config, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-1b")
cfg = get_peft_config(
    {
        "peft_type": "BOTTLENECK",
        "task_type": "CAUSAL_LM",
        "bottleneck_size": 256,
        "non_linearity": "tanh",
        "target_modules": ["c_proj"],
    }
)
model = get_peft_model(model, cfg)
model.print_trainable_parameters()
