from transformers import AutoTokenizer, TrainingArguments, Trainer, AutoModelForCausalLM
args = TrainingArguments(output_dir="o", evaluation_strategy="steps", warmup_ratio=0.1, overwrite_output_dir=True, logging_dir="l", group_by_length=True)
tok = AutoTokenizer.from_pretrained("gpt2")
x = tok.encode_plus("a", max_length=5, pad_to_max_length=True, return_tensors="pt")
