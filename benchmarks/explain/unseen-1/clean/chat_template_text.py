from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer, GenerationConfig

ADAPTER = "acme/qwen-chat-lora"
GENERATION = GenerationConfig(max_new_tokens=200, do_sample=True, temperature=0.6, top_p=0.95)


def respond(model, tokenizer, question):
    messages = [{"role": "user", "content": question}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    enc = tokenizer(text, add_special_tokens=False, return_tensors="pt").to(model.device)
    out = model.generate(**enc, generation_config=GENERATION)
    return tokenizer.decode(out[0, enc.input_ids.shape[1]:], skip_special_tokens=True)


def main():
    tokenizer = AutoTokenizer.from_pretrained(ADAPTER)
    model = AutoPeftModelForCausalLM.from_pretrained(ADAPTER, dtype="auto", device_map="auto").eval()
    for question in ("What is DoRA?", "And rsLoRA?"):
        print(respond(model, tokenizer, question))


main()
