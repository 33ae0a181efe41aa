from transformers import AutoModelForCausalLM, AutoTokenizer

name = "meta-llama/Llama-3.2-1B"
tokenizer = AutoTokenizer.from_pretrained(name)
tokenizer.pad_token = tokenizer.eos_token
tokenizer.padding_side = "right"
model = AutoModelForCausalLM.from_pretrained(name)
questions = [f"Question {i}?" for i in range(8)]
batch = tokenizer(questions, padding=True, return_tensors="pt")
out = model.generate(**batch, max_new_tokens=16)
print(tokenizer.batch_decode(out[:, batch.input_ids.shape[1]:], skip_special_tokens=True))
