from peft import PeftModel
from transformers import AutoModelForCausalLM

model = PeftModel.from_pretrained(
    AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.3"),
    "someone/llama-2-7b-chat-lora",
)
model = model.merge_and_unload()
model.save_pretrained("merged")
