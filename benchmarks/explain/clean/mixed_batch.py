from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base_id = "meta-llama/Llama-3.2-1B"
tokenizer = AutoTokenizer.from_pretrained(base_id, padding_side="left")
tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(base_id)
model = PeftModel.from_pretrained(model, "me/lora-sql", adapter_name="sql")
model.load_adapter("me/lora-go", adapter_name="go")
model.eval()
batch = tokenizer(["SELECT", "func main"], padding=True, return_tensors="pt")
out = model.generate(**batch, adapter_names=["sql", "go"], max_new_tokens=30)
print(tokenizer.batch_decode(out[:, batch.input_ids.shape[1]:], skip_special_tokens=True))
