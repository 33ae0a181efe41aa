from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = "meta-llama/Llama-2-13b-hf"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base, device_map="auto")
model = PeftModel.from_pretrained(model, "acme/llama-2-13b-notes")
model.eval()


def notes(text, limit=150):
    enc = tokenizer(f"{text}\n\nNotes:", return_tensors="pt").to(model.device)
    out = model.generate(**enc, max_new_tokens=limit, do_sample=False)
    return tokenizer.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True)


print(notes(open("meeting.txt").read()))
