from threading import Thread

from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer

tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2")
streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
inputs = tokenizer("Once", return_tensors="pt")
settings = dict(**inputs, streamer=streamer, max_new_tokens=50)
thread = Thread(target=model.generate, kwargs=settings)
thread.start()
for piece in streamer:
    print(piece, end="", flush=True)
thread.join()
