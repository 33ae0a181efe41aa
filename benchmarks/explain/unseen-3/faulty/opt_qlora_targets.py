import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

def build(model_id, target_modules):
    bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(model_id, quantization_config=bnb, device_map="auto")
    model = prepare_model_for_kbit_training(model)
    config = LoraConfig(r=8, target_modules=target_modules, task_type="CAUSAL_LM")
    return get_peft_model(model, config)

model = build("tiiuae/falcon-7b", ["q_proj", "v_proj"])
tokenizer = AutoTokenizer.from_pretrained("tiiuae/falcon-7b")
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
model.train()
for line in open("text.txt"):
    enc = tokenizer(line, return_tensors="pt").to("cuda")
    model(**enc, labels=enc["input_ids"]).loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("falcon-lora")
