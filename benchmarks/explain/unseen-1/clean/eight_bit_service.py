import torch
from flask import Flask, jsonify, request
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

app = Flask(__name__)
settings = {"base": "tiiuae/falcon-7b", "adapter": "acme/falcon-support", "length": 120}


def load():
    tokenizer = AutoTokenizer.from_pretrained(settings["base"])
    model = AutoModelForCausalLM.from_pretrained(
        settings["base"],
        quantization_config=BitsAndBytesConfig(load_in_8bit=True),
        device_map="auto",
    )
    model = PeftModel.from_pretrained(model, settings["adapter"])
    model.eval()
    return tokenizer, model


tokenizer, model = load()


@app.post("/generate")
def generate():
    payload = request.get_json()
    encoded = tokenizer(payload["prompt"], return_tensors="pt").to(model.device)
    with torch.inference_mode():
        out = model.generate(**encoded, max_new_tokens=payload.get("length", settings["length"]))
    text = tokenizer.decode(out[0][encoded["input_ids"].shape[1]:], skip_special_tokens=True)
    return jsonify(text=text)


if __name__ == "__main__":
    app.run()
