from peft import LoraConfig, get_peft_model, prepare_model_for_int8_training
from transformers import AutoModelForCausalLM, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", load_in_8bit=True)
model = prepare_model_for_int8_training(model)
model = get_peft_model(model, LoraConfig(target_modules=["q_proj", "v_proj"]))
args = TrainingArguments(
    output_dir="out",
    evaluation_strategy="epoch",
    no_cuda=True,
)
