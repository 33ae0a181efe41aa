import gc

import torch
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

NAME = "Qwen/Qwen2.5-7B"


def train():
    bnb = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    model = AutoModelForCausalLM.from_pretrained(NAME, quantization_config=bnb, device_map={"": 0})
    model = prepare_model_for_kbit_training(model)
    model = get_peft_model(model, LoraConfig(r=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    tokenizer = AutoTokenizer.from_pretrained(NAME)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    model.train()
    for line in open("lines.txt"):
        enc = tokenizer(line, return_tensors="pt", truncation=True, max_length=512).to("cuda")
        model(**enc, labels=enc["input_ids"]).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained("adapter")


def merge():
    model = AutoModelForCausalLM.from_pretrained(NAME, dtype=torch.bfloat16, device_map="cpu")
    model = PeftModel.from_pretrained(model, "adapter")
    model = model.merge_and_unload()
    model.save_pretrained("merged")
    AutoTokenizer.from_pretrained(NAME).save_pretrained("merged")


train()
gc.collect()
torch.cuda.empty_cache()
merge()
