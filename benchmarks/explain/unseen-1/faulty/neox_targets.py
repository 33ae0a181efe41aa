import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

MODEL = "EleutherAI/pythia-1.4b"
LORA = dict(r=16, lora_alpha=32, lora_dropout=0.05, bias="none", task_type="CAUSAL_LM")

tokenizer = AutoTokenizer.from_pretrained(MODEL)
tokenizer.add_tokens(["<|user|>", "<|bot|>"])
model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.bfloat16)
model.resize_token_embeddings(len(tokenizer))
config = LoraConfig(target_modules=["q_proj", "v_proj"], **LORA)
model = get_peft_model(model, config)
model.print_trainable_parameters()

opt = torch.optim.AdamW(model.parameters(), lr=1e-4)
model.train()
for line in open("chat.txt"):
    enc = tokenizer(line, return_tensors="pt", truncation=True, max_length=512)
    loss = model(**enc, labels=enc["input_ids"]).loss
    loss.backward()
    opt.step()
    opt.zero_grad()
model.save_pretrained("pythia-chat")
tokenizer.save_pretrained("pythia-chat")
