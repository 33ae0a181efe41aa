import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_int8_training
from transformers import AdamW, AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("facebook/opt-350m", use_auth_token=True)
model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", torch_dtype=torch.float16, device_map="auto")
model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
optimizer = AdamW(model.parameters(), lr=3e-4)
model.train()
for line in open("train.txt"):
    enc = tokenizer.encode_plus(line, return_tensors="pt").to(model.device)
    loss = model(**enc, labels=enc["input_ids"]).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("opt-lora")
