from transformers import AutoModelForCausalLM, BitsAndBytesConfig

model = AutoModelForCausalLM.from_pretrained(
    "facebook/opt-6.7b", quantization_config=BitsAndBytesConfig(load_in_8bit=True)
)
model = model.to("cuda")
