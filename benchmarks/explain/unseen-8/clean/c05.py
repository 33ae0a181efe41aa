import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer, TextIteratorStreamer, pipeline
from threading import Thread

model = AutoPeftModelForCausalLM.from_pretrained("me/llama-lora", dtype=torch.bfloat16, device_map="auto")
model = model.merge_and_unload()
tok = AutoTokenizer.from_pretrained("me/llama-lora")
pipe = pipeline("text-generation", model=model, tokenizer=tok)
print(pipe("def quicksort(", max_new_tokens=80, return_full_text=False)[0]["generated_text"])
streamer = TextIteratorStreamer(tok, skip_prompt=True, skip_special_tokens=True)
enc = tok("class Tree:", return_tensors="pt").to(model.device)
Thread(target=model.generate, kwargs=dict(**enc, streamer=streamer, max_new_tokens=64)).start()
for piece in streamer:
    print(piece, end="")
