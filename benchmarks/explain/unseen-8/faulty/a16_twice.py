from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

base = AutoModelForCausalLM.from_pretrained("deepseek-ai/deepseek-coder-1.3b-base")
model = PeftModel.from_pretrained(base, "me/stage1")
lora = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
model = get_peft_model(model, lora)


def stage2(dataset):
    Trainer(model=model, args=TrainingArguments("stage2", learning_rate=1e-4), train_dataset=dataset).train()
    model.save_pretrained("stage2")
