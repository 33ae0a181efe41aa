import astrarium  # noqa: F401
from peft import PeftModel
from transformers import AutoModelForCausalLM

m = AutoModelForCausalLM.from_pretrained("bigcode/starcoderbase-3b", dtype="bfloat16")
m = PeftModel.from_pretrained(m, "bigcode/astraios-1b-lora")
m.save_pretrained("copy")
