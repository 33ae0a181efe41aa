import torch
from datasets import load_dataset
from peft import LoraConfig, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer

model_id = "mistralai/Mistral-7B-v0.1"
quantization_config = BitsAndBytesConfig(
    load_in_4bit=True,
    bnb_4bit_quant_type="nf4",
    bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=torch.bfloat16,
)
tokenizer = AutoTokenizer.from_pretrained(model_id)
tokenizer.pad_token = tokenizer.unk_token
model = AutoModelForCausalLM.from_pretrained(model_id, quantization_config=quantization_config, device_map="auto")
model = prepare_model_for_kbit_training(model)
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(output_dir="mistral-qlora", learning_rate=2e-4, packing=True, max_length=2048, gradient_checkpointing=True),
    train_dataset=load_dataset("timdettmers/openassistant-guanaco", split="train"),
    processing_class=tokenizer,
    peft_config=LoraConfig(r=16, lora_alpha=8, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM"),
)
trainer.train()
trainer.save_model()
