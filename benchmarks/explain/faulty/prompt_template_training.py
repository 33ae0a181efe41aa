from datasets import load_dataset
from peft import AutoPeftModelForCausalLM, LoraConfig
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer
def to_text(row):
    return {"text": f"### Question: {row['q']}\n### Answer: {row['a']}"}
ds = load_dataset("x", split="train").map(to_text)
SFTTrainer(model="gpt2", args=SFTConfig(output_dir="o", learning_rate=1e-4), train_dataset=ds, peft_config=LoraConfig()).train()
model = AutoPeftModelForCausalLM.from_pretrained("o/checkpoint-10")
tok = AutoTokenizer.from_pretrained("gpt2")
enc = tok("User: why?\nAssistant:", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=5)
print(tok.decode(out[0][enc.input_ids.shape[1]:], skip_special_tokens=True))
