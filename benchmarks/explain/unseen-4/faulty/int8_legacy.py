# from a 2023 gist, worked with transformers 4.28
import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_int8_training
from transformers import AutoModelForCausalLM, AutoTokenizer

name = "bigcode/starcoderbase"
tokenizer = AutoTokenizer.from_pretrained(name, use_auth_token=True)
model = AutoModelForCausalLM.from_pretrained(
    name,
    load_in_8bit=True,
    device_map="auto",
)
model = prepare_model_for_int8_training(model)
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=["c_attn", "c_proj"], task_type="CAUSAL_LM"))
model.print_trainable_parameters()

optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
texts = open("corpus.txt").read().split("<|endoftext|>")
model.train()
for epoch in range(2):
    for t in texts:
        enc = tokenizer(t, return_tensors="pt", truncation=True, max_length=1024).to(model.device)
        loss = model(**enc, labels=enc["input_ids"]).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
model.save_pretrained("starcoder-int8-lora")
