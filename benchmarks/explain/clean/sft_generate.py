from datasets import load_dataset
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer
name = "Qwen/Qwen2.5-0.5B"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name)
trainer = SFTTrainer(model=model, args=SFTConfig(output_dir="o", learning_rate=1e-4), train_dataset=load_dataset("x", split="train"), peft_config=LoraConfig(r=8, target_modules=["q_proj"]), processing_class=tokenizer)
trainer.train()
trainer.save_model("o/adapter")
del model, trainer
base = AutoModelForCausalLM.from_pretrained(name)
model = PeftModel.from_pretrained(base, "o/adapter").eval()
enc = tokenizer("hi", return_tensors="pt")
out = model.generate(**enc, max_new_tokens=12)
print(tokenizer.decode(out[0, enc["input_ids"].shape[-1]:], skip_special_tokens=True))
