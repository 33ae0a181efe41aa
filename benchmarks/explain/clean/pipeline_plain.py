from transformers import pipeline

generate = pipeline("text-generation", model="HuggingFaceTB/SmolLM2-135M-Instruct")
print(generate([{"role": "user", "content": "Hi"}], max_new_tokens=40)[0]["generated_text"][-1]["content"])
