from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base_id = "HuggingFaceTB/SmolLM2-135M"
tokenizer = AutoTokenizer.from_pretrained(base_id)
base = AutoModelForCausalLM.from_pretrained(base_id)
model = PeftModel.from_pretrained(base, "me/python", adapter_name="python")
model.load_adapter("me/rust", adapter_name="rust")
for language in ("python", "rust"):
    model.set_adapter(language)
    batch = tokenizer("// sort\n", return_tensors="pt")
    out = model.generate(**batch, max_new_tokens=60)
    print(language, tokenizer.decode(out[0][batch.input_ids.shape[1]:], skip_special_tokens=True))
