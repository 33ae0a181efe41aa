import argparse

import gradio as gr
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig


def main(load_8bit: bool, base_model: str, lora_weights: str, share: bool):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    extra = {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)} if load_8bit else {"dtype": torch.float16}
    model = AutoModelForCausalLM.from_pretrained(base_model, device_map="auto", **extra)
    model = PeftModel.from_pretrained(model, lora_weights)
    model.eval()

    def evaluate(instruction, temperature=0.1, top_p=0.75, num_beams=1, max_new_tokens=128):
        prompt = f"### Instruction:\n{instruction}\n\n### Response:\n"
        inputs = tokenizer(prompt, return_tensors="pt")
        input_ids = inputs["input_ids"].to(device)
        mask = inputs["attention_mask"].to(device)
        with torch.no_grad():
            out = model.generate(
                input_ids=input_ids,
                attention_mask=mask,
                do_sample=True,
                temperature=temperature,
                top_p=top_p,
                num_beams=int(num_beams),
                return_dict_in_generate=True,
                max_new_tokens=int(max_new_tokens),
            )
        text = tokenizer.decode(out.sequences[0], skip_special_tokens=True)
        yield text.split("### Response:")[1].strip()

    gr.Interface(
        fn=evaluate,
        inputs=[gr.Textbox(lines=2), gr.Slider(0, 1, 0.1), gr.Slider(0, 1, 0.75), gr.Slider(1, 4, 1, step=1), gr.Slider(1, 2000, 128, step=1)],
        outputs="text",
    ).queue().launch(share=share)


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--load-8bit", action="store_true")
    p.add_argument("--base-model", default="codellama/CodeLlama-7b-hf")
    p.add_argument("--lora-weights", default="acme/cl7b-alpaca")
    p.add_argument("--share", action="store_true")
    a = p.parse_args()
    main(a.load_8bit, a.base_model, a.lora_weights, a.share)
