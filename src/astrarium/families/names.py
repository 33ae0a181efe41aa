"""What a base's name says of it: family and size."""

from __future__ import annotations

import re

_FAMILIES: tuple[tuple[str, str], ...] = (
    (r"starcoder2", "starcoder2"),
    (r"starcoder|santacoder|octocoder|gpt_bigcode|astraios", "gpt_bigcode"),
    (r"mixtral", "mixtral"),
    (r"mistral|zephyr", "mistral"),
    (r"qwen3", "qwen3"),
    (r"qwen-?(1\.5|2)|qwen2\.5|codeqwen", "qwen2"),
    (r"llama-?4", "llama4"),
    (r"llama|vicuna|smollm2?-|wizardcoder-python|deepseek-coder-(1\.3|5\.7|6\.7|33)b|guanaco", "llama"),
    (r"dialogpt|(?<![\w])gpt2|distilgpt2", "gpt2"),
    (r"pythia|gpt-neox|dolly-v2", "gpt_neox"),
    (r"gpt-neo(?!x)", "gpt_neo"),
    (r"gpt-?j-", "gptj"),
    (r"(?<![a-z])opt-", "opt"),
    (r"bloom", "bloom"),
    (r"falcon-?(7b|40b|rw|180b)", "falcon"),
    (r"(?<![a-z])phi-?[34](?!-?small)", "phi3"),
    (r"(?<![a-z])phi-?(1|2)", "phi"),
    (r"gemma-?2-", "gemma2"),
    (r"gemma-?3-", "gemma3"),
    (r"gemma-(2b|7b|1\.1)", "gemma"),
    (r"codegen-", "codegen"),
    (r"(?<![a-z])mpt-", "mpt"),
    (r"(flan-|(?<![a-z])|code)t5", "t5"),
    (r"roberta", "roberta"),
    (r"distilbert", "distilbert"),
    (r"(?<![a-z])bert-", "bert"),
)
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(b|m)(?![a-z])", re.IGNORECASE)
_UNSIZED = {"bigcode/starcoder": 15.5e9, "bigcode/starcoderbase": 15.5e9, "gpt2-xl": 1.5e9, "gpt2": 0.12e9}


def family_by_name(name: str | None) -> str | None:
    """The `model_type` that a base's name speaks of."""
    if name is None:
        return None
    lower = name.lower()
    return next((family for pattern, family in _FAMILIES if re.search(pattern, lower)), None)


def size_by_name(name: str | None) -> float | None:
    """Parameters, by a name such as `starcoderbase-7b`."""
    if name is None:
        return None
    if name.lower() in _UNSIZED:
        return _UNSIZED[name.lower()]
    found = _SIZE.findall(name.rsplit("/", 1)[-1].replace("_", "-"))
    if not found:
        return None
    return float(found[-1][0]) * (1e9 if found[-1][1].lower() == "b" else 1e6)


def differ(one: str, other: str) -> bool:
    """Whether two names speak of different families or sizes."""
    families = family_by_name(one), family_by_name(other)
    if all(families) and families[0] != families[1]:
        return True
    sizes = size_by_name(one), size_by_name(other)
    return all(sizes) and (families[0] == families[1] or not any(families)) and sizes[0] != sizes[1]
