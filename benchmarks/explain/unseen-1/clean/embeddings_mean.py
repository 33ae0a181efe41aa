import torch
from peft import PeftModel
from transformers import AutoModel, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("intfloat/e5-base-v2")
model = AutoModel.from_pretrained("intfloat/e5-base-v2")
model = PeftModel.from_pretrained(model, "acme/e5-code-lora")
model.eval()


@torch.inference_mode()
def embed(texts):
    enc = tokenizer(["query: " + text for text in texts], padding=True, truncation=True, max_length=512, return_tensors="pt")
    hidden = model(**enc).last_hidden_state
    mask = enc["attention_mask"].unsqueeze(-1)
    vectors = (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(vectors, dim=-1)


print(embed(["sort a list", "open a file"]) @ embed(["list.sort()"]).T)
