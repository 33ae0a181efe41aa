import torch
from peft import AutoPeftModelForSeq2SeqLM
from transformers import AutoTokenizer

model = AutoPeftModelForSeq2SeqLM.from_pretrained("acme/flan-t5-titles", dtype=torch.bfloat16, device_map="auto").eval()
tokenizer = AutoTokenizer.from_pretrained("google/flan-t5-large")
enc = tokenizer(["long text one", "another and longer text"], padding=True, truncation=True, return_tensors="pt").to(model.device)
out = model.generate(**enc, max_new_tokens=24, num_beams=5, num_return_sequences=3, return_dict_in_generate=True, output_scores=True)
for text, score in zip(tokenizer.batch_decode(out.sequences, skip_special_tokens=True), out.sequences_scores.tolist()):
    print(f"{score:.2f} {text}")
