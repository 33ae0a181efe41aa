from transformers import AutoModelForCausalLM, AutoTokenizer
tok = AutoTokenizer.from_pretrained("gpt2")
tok.pad_token = tok.eos_token
model = AutoModelForCausalLM.from_pretrained("gpt2")
prompts = []
for name in ["a", "b"]:
    prompts.append(f"Hello {name}")
batch = tok(prompts, return_tensors="pt", padding=True)
out = model.generate(**batch, max_new_tokens=5)
print(tok.batch_decode(out[:, batch.input_ids.shape[1]:], skip_special_tokens=True))
