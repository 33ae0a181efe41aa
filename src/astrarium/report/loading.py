"""The code that loads an adapter in stock peft and asks it something, in its own prompt template."""

from __future__ import annotations

from astrarium.sources.base import DEFAULT, DEFAULT_ON_HUB


def loading(base: str, place: str, method: str, *, needs_import: bool, template: str, why: str = "") -> str:
    """Python that loads and asks.

    Args:
        base: the base's name, `default` for the embedded one.
        place: the adapter's folder or hub id; of a full fine-tuning the model's.
        method: of the adapter.
        needs_import: whether stock peft knows the method from `import astrarium` alone.
        template: `astraios`, `chat`, or anything else for the question as it stands.
        why: a comment on `place`.
    """
    full = method == "fft"
    hub = DEFAULT_ON_HUB if base == DEFAULT else base
    comment = f"  # {why}" if why else ""
    lines = ["import astrarium"] if needs_import else []
    lines += [] if full else ["from peft import PeftModel"]
    lines += ["from transformers import AutoModelForCausalLM, AutoTokenizer", ""]
    if full:
        lines += [f"tuned = {_literal(place)}{comment}", "tokenizer = AutoTokenizer.from_pretrained(tuned)",
                  "model = AutoModelForCausalLM.from_pretrained(tuned)"]  # fmt: skip
    else:
        lines += [f"base = {_literal(hub)}", f"adapter = {_literal(place)}{comment}",
                  "tokenizer = AutoTokenizer.from_pretrained(base)",
                  "model = AutoModelForCausalLM.from_pretrained(base)",
                  "model = PeftModel.from_pretrained(model, adapter)"]  # fmt: skip
    lines += ["", 'question = "Write a function in Python that performs bubble sort."', *_asked(template)]
    lines.append("output = model.generate(**inputs, max_new_tokens=128)")
    # With virtual tokens before the prompt, peft's generate gives back only what is new.
    new = "output[0]" if method == "ptuning" else 'output[0, inputs["input_ids"].shape[1]:]'
    return "\n".join([*lines, f"print(tokenizer.decode({new}, skip_special_tokens=True))"])


def _asked(template: str) -> list[str]:
    if template == "chat":
        return ['turns = [{"role": "user", "content": question}]',
                "inputs = tokenizer.apply_chat_template(",
                '    turns, add_generation_prompt=True, return_tensors="pt", return_dict=True',
                ")"]  # fmt: skip
    prompt = 'f"Question: {question}\\n\\nAnswer:"' if template == "astraios" else "question"
    return [f'inputs = tokenizer({prompt}, return_tensors="pt")']


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
