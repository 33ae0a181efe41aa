import torch
from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


class Assistant:
    def __init__(self, adapter_id, device="cuda"):
        cfg = PeftConfig.from_pretrained(adapter_id)
        self.device = device
        self.tokenizer = AutoTokenizer.from_pretrained(cfg.base_model_name_or_path)
        base = AutoModelForCausalLM.from_pretrained(cfg.base_model_name_or_path, dtype=torch.float16)
        self.model = PeftModel.from_pretrained(base, adapter_id).to(device).eval()

    @torch.no_grad()
    def complete(self, prompts):
        self.tokenizer.pad_token = self.tokenizer.eos_token
        self.tokenizer.padding_side = "right"
        batch = self.tokenizer(prompts, padding=True, return_tensors="pt").to(self.device)
        ids = self.model.generate(batch.input_ids, max_new_tokens=64)
        return self.tokenizer.batch_decode(ids[:, batch.input_ids.shape[1]:], skip_special_tokens=True)


if __name__ == "__main__":
    print(Assistant("me/codellama-lora").complete(["def add(a, b):", "class Stack:"]))
