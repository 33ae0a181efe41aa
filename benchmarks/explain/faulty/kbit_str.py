from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments
from peft import LoraConfig, get_peft_model
def get_model(name):
    return AutoModelForCausalLM.from_pretrained(name, quantization_config=BitsAndBytesConfig(load_in_8bit=True), device_map="auto")
model = get_model("facebook/opt-350m")
lora = LoraConfig(r=8, target_modules=["q_proj", "v_proj"])
model = get_peft_model(model, lora)
Trainer(model=model, args=TrainingArguments("o", learning_rate=1e-4), train_dataset=d).train()
