import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "HuggingFaceTB/SmolLM2-360M"
tokenizer = AutoTokenizer.from_pretrained(name)
added = ["<|file|>", "<|diff|>"]
tokenizer.add_special_tokens({"additional_special_tokens": added})
model = AutoModelForCausalLM.from_pretrained(name)
model.resize_token_embeddings(len(tokenizer))
config = LoraConfig(
    r=8,
    target_modules="all-linear",
    trainable_token_indices={"embed_tokens": tokenizer.convert_tokens_to_ids(added)},
    task_type="CAUSAL_LM",
)
model = get_peft_model(model, config)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
model.train()
for path in open("files.txt"):
    enc = tokenizer("<|file|>" + open(path.strip()).read(), return_tensors="pt", truncation=True, max_length=1024)
    loss = model(**enc, labels=enc["input_ids"]).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("file-lora")
tokenizer.save_pretrained("file-lora")
