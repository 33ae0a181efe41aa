from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-3b", dtype="bfloat16")
config = LoraConfig(
    task_type=TaskType.CAUSAL_LM,
    r=8,
    target_modules=["q_proj", "k_proj", "v_proj"],
)
model = get_peft_model(model, config)
model.print_trainable_parameters()
