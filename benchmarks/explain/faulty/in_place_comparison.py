from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

NAME = "HuggingFaceTB/SmolLM2-360M"
tokenizer = AutoTokenizer.from_pretrained(NAME)
base_model = AutoModelForCausalLM.from_pretrained(NAME)
tuned_model = PeftModel.from_pretrained(base_model, "me/smollm2-lora")


def answer(model, text):
    batch = tokenizer(text, return_tensors="pt")
    out = model.generate(**batch, max_new_tokens=64)
    return tokenizer.decode(out[0][batch.input_ids.shape[-1]:], skip_special_tokens=True)


for question in ["Sort a list.", "Open a file."]:
    print("tuned:", answer(tuned_model, question))
    print("base:", answer(base_model, question))
