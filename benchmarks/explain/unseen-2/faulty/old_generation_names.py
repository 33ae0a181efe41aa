from transformers import AutoModelForCausalLM, AutoTokenizer, TrainingArguments

args = TrainingArguments("out", overwrite_output_dir=True, per_device_eval_batch_size=4, logging_dir="logs")
tokenizer = AutoTokenizer.from_pretrained("gpt2", use_fast=True)
model = AutoModelForCausalLM.from_pretrained("gpt2", torch_dtype="auto")
pairs = tokenizer.batch_encode_plus(["a", "b"])
print(pairs["input_ids"], model.num_parameters(), args.seed)
