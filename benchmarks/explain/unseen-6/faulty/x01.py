import transformers
import peft
import torch


def get_model(name, adapter=None):
    model = transformers.AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16, device_map="auto")
    if adapter:
        peft.PeftModel.from_pretrained(model, adapter).merge_and_unload()
    return model


def get_tokenizer(name):
    return transformers.AutoTokenizer.from_pretrained(name)


tok = get_tokenizer("bigcode/starcoder2-3b")
model = get_model("bigcode/starcoder2-3b", "my-lora")
enc = tok.batch_encode_plus(["def a():"], return_tensors="pt").to(model.device)
out = model.generate(**enc, max_length=200)
print(tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True))
