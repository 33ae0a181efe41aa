import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def generate_all(model, tokenizer, prompts, batch_size=4):
    results = []
    for i in range(0, len(prompts), batch_size):
        batch = tokenizer(prompts[i:i + batch_size], return_tensors="pt", padding=True).to(model.device)
        out = model.generate(**batch, max_new_tokens=64)
        results.extend(tokenizer.batch_decode(out[:, batch["input_ids"].shape[1]:], skip_special_tokens=True))
    return results


def main():
    name = "facebook/opt-1.3b"
    tokenizer = AutoTokenizer.from_pretrained(name, padding_side="right")
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float16, device_map="auto")
    model.eval()
    for text in generate_all(model, tokenizer, ["Hello", "The weather in Paris is", "1, 2, 3,"]):
        print(text)


if __name__ == "__main__":
    main()
