"""What a base's or adapter's name says of it: family, size, method; and its configuration, where that is at hand."""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from astrarium.explain.index.library import library
from astrarium.families.names import family_by_name

_FP32 = re.compile(r"^bigcode/(starcoder|starcoderbase(-\w+)?)$")
_METHODS: tuple[tuple[str, str], ...] = (
    (r"astraios-\w+-(parallel|adapterh|adapterp)|adapterh|adapterp|bottleneck", "BOTTLENECK"),
    (r"(?<![a-z])(q?lora|dora)", "LORA"),
    (r"ia3", "IA3"),
    (r"p-?tuning|ptuning", "P_TUNING"),
    (r"prompt[-_]?tun", "PROMPT_TUNING"),
    (r"prefix[-_]?tun", "PREFIX_TUNING"),
    (r"adalora", "ADALORA"),
)


def family_of_base(name: str | None) -> str | None:
    """The `model_type` of a base: from its configuration where that is at hand, else from its name."""
    config = config_at_hand(name, "config.json")
    found = config.get("model_type") if config else None
    return found if isinstance(found, str) else family_by_name(name)


def method_of_adapter(path: str | None) -> tuple[str | None, bool]:
    """peft's type of an adapter, and whether its configuration says so (else its name does)."""
    config = config_at_hand(path, "adapter_config.json")
    if config and isinstance(config.get("peft_type"), str):
        return config["peft_type"], True
    lower = (path or "").lower()
    return next((method for pattern, method in _METHODS if re.search(pattern, lower)), None), False


def base_of_adapter(path: str | None) -> str | None:
    """The base that an adapter's configuration names, where it is at hand."""
    config = config_at_hand(path, "adapter_config.json")
    found = config.get("base_model_name_or_path") if config else None
    return found if isinstance(found, str) and found else None


def kept_in_fp32(name: str | None) -> bool:
    """Whether a base's checkpoint is fp32, so that `dtype="auto"` loads it as fp32."""
    config = config_at_hand(name, "config.json")
    if config:
        return (config.get("dtype") or config.get("torch_dtype")) == "float32"
    return bool(name and _FP32.match(name))


_WITHOUT_BOS = re.compile(
    r"qwen|smollm|starcoder|santacoder|gpt2|dialogpt|pythia|gpt-?neo|gpt-?j|codegen|bloom|falcon|(?<![a-z])phi-|(?<![a-z])mpt-|olmo"
)


def puts_bos_in_front(name: str | None) -> bool | None:
    """Whether a base's tokenizer puts a beginning-of-text in front of a text; None where that is not known."""
    if name is None or "\0" in name:
        return None
    tokenizer = config_at_hand(name, "tokenizer.json")
    if tokenizer is not None:
        return "SpecialToken" in json.dumps(tokenizer.get("post_processor"))
    lower = name.lower()
    if _WITHOUT_BOS.search(lower):
        return False
    return True if re.search(r"code-?llama|llama-?[234]|mistral|mixtral|gemma|zephyr|vicuna", lower) else None


def padding_token(name: str | None) -> str | None:
    """The token that a base's vocabulary holds for padding beside its end token; None where none is known."""
    lower = (name or "").lower()
    if "santacoder" in lower:
        return "<fim-pad>"
    return "<fim_pad>" if re.search(r"star_?coder|octocoder|astraios", lower) else None


_OF_ANOTHER_CLASS = re.compile(r"llama-?3|smollm")
"""Bases of the family llama whose tokenizers are none of Llama's class."""


def padding_side(name: str | None, loader: str) -> str | None:
    """The side on which a tokenizer pads by itself; None where that is not known.

    Args:
        name: the base's id or folder.
        loader: the class whose `from_pretrained` makes it.
    """
    transformers = library("transformers")
    sides = transformers.sides if transformers is not None else {}
    config = config_at_hand(name, "tokenizer_config.json") or {}
    kind = config.get("tokenizer_class") or (loader if loader != "AutoTokenizer" else None)
    if isinstance(config.get("padding_side"), str):
        return str(config["padding_side"])
    if isinstance(kind, str):
        return sides.get(kind.removesuffix("Fast"), "right")
    family = family_of_base(name)
    if family is None:
        return None
    return "right" if _OF_ANOTHER_CLASS.search((name or "").lower()) else sides.get(family, "right")


@lru_cache(maxsize=256)
def config_at_hand(name: str | None, file: str) -> dict[str, Any] | None:
    """A configuration of a base or adapter: in its folder, or in the hub's cache; None where it is in neither."""
    if not name or "\0" in name or len(name) > 500:
        return None
    folder = Path(name).expanduser()
    candidates = [folder / file]
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
        cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
        candidates += sorted((cache / f"models--{name.replace('/', '--')}" / "snapshots").glob(f"*/{file}"))
    for candidate in candidates:
        try:
            if candidate.stat().st_size < 10_000_000:
                found = json.loads(candidate.read_text(encoding="utf-8"))
                if isinstance(found, dict):
                    return found
        except (OSError, ValueError):
            continue
    return None


def is_local(name: str | None) -> bool:
    """Whether a name is a path on this machine rather than an id of the hub."""
    if not name:
        return False
    return name.startswith((".", "/", "~")) or "\\" in name or Path(name).exists() or name.count("/") > 1


def memory_here() -> int | None:
    """Bytes of memory of this machine; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
