from peft import LoftQConfig, LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.2-1B")
loftq = LoftQConfig(loftq_bits=4, loftq_iter=1)
config = LoraConfig(
    task_type=TaskType.CAUSAL_LM,
    r=16,
    lora_alpha=16,
    target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj", "gate_proj"],
    init_lora_weights="loftq",
    loftq_config=loftq,
)
model = get_peft_model(base, config)
model.save_pretrained("loftq/init")
backbone = model.unload()
backbone.save_pretrained("loftq/base")
AutoTokenizer.from_pretrained("meta-llama/Llama-3.2-1B").save_pretrained("loftq/base")
