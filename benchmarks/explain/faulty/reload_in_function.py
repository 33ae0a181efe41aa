import transformers as tf
from peft import PeftModel


def load(base, adapter):
    model = tf.AutoModelForCausalLM.from_pretrained(base)
    model = PeftModel.from_pretrained(model, adapter)
    model.eval()
    model = tf.AutoModelForCausalLM.from_pretrained(base)
    return model


if __name__ == "__main__":
    name = "codellama/CodeLlama-7b-hf"
    tokenizer = tf.AutoTokenizer.from_pretrained(name)
    model = load(name, "team/codellama-sql")
    batch = tokenizer("SELECT", return_tensors="pt")
    out = model.generate(**batch, max_new_tokens=40)
    print(tokenizer.decode(out[0][batch["input_ids"].shape[1]:], skip_special_tokens=True))
