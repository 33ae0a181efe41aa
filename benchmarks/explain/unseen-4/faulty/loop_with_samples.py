import torch
from peft import LoraConfig, TaskType, get_peft_model
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
tok = AutoTokenizer.from_pretrained("bigcode/tiny_starcoder_py")
tok.pad_token = "<fim_pad>"


class Run:
    def __init__(self, texts, epochs=3):
        model = AutoModelForCausalLM.from_pretrained("bigcode/tiny_starcoder_py")
        config = LoraConfig(task_type=TaskType.CAUSAL_LM, r=8, lora_alpha=16, lora_dropout=0.1, target_modules=["c_attn"])
        self.model = get_peft_model(model, config).to(device)
        self.loader = DataLoader(texts, batch_size=8, shuffle=True)
        self.optim = torch.optim.AdamW(self.model.parameters(), lr=3e-4)
        self.epochs = epochs

    def sample(self, prompt):
        enc = tok(prompt, return_tensors="pt").to(device)
        out = self.model.generate(**enc, max_new_tokens=48)
        return tok.decode(out[0, enc["input_ids"].shape[1]:], skip_special_tokens=True)

    def fit(self):
        self.model.train()
        for epoch in range(self.epochs):
            bar = tqdm(self.loader)
            for texts in bar:
                enc = tok(list(texts), padding=True, truncation=True, max_length=512, return_tensors="pt").to(device)
                loss = self.model(**enc, labels=enc["input_ids"]).loss
                loss.backward()
                self.optim.step()
                self.optim.zero_grad()
                bar.set_postfix(loss=loss.item())
            print(epoch, self.sample("def main("))


if __name__ == "__main__":
    run = Run(open("texts.txt").read().split("\n\n"))
    run.fit()
    run.model.save_pretrained("tiny-lora")
