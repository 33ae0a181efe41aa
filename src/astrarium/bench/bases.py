"""The bases and adapters that benches use, made in the cache where they are not there yet."""

from __future__ import annotations

from pathlib import Path

from astrarium.bench.adapters import random_adapter
from astrarium.bench.bench import Setting
from astrarium.bench.shapes import STARCODER_1B, STARCODER_7B, Shape, starcoder
from astrarium.sources import open_base

DEFAULT = "default"


def starcoder_1b(setting: Setting) -> str:
    """The folder of the 1B shape."""
    return str(starcoder(setting.cache / "starcoder-1b", STARCODER_1B))


def starcoder_7b(setting: Setting, shape: Shape = STARCODER_7B) -> str:
    """The folder of the 7B shape, or of one like it with fewer layers; 15 GB for 42."""
    fewer = "" if shape == STARCODER_7B else f"-{shape.layers}-layers"
    return str(starcoder(setting.cache / f"starcoder-7b{fewer}", shape))


def converted(setting: Setting) -> str:
    """Where CTranslate2 keeps the 1B shape in its own format."""
    return str(setting.cache / "starcoder-1b-ctranslate2-int8")


def default_file() -> Path:
    """The GGUF file of the embedded default."""
    return open_base(DEFAULT).path


def default_adapters(setting: Setting, *methods: str) -> dict[str, str]:
    """Random adapters of Astraios's sizes on the default: one for each method named, numbered apart."""
    config = open_base(DEFAULT).config
    made: dict[str, str] = {}
    for method in methods:
        number = sum(name.startswith(f"{method}-") for name in made)
        name = f"{method}-{number}"
        made[name] = str(random_adapter(setting.cache / "adapters" / name, method, DEFAULT, config, seed=number))
    return made
