"""What the families with grouped heads read from a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from astrarium.core.errors import SourceError
from astrarium.families import family_of, gpt_like
from astrarium.families.family import integer

_SLIDING = "sliding_attention"
_EVERYTHING = 2**30  # a window that no context fills


@dataclass(frozen=True, slots=True)
class GroupedHeads:
    """Query heads, of which several share a key and value head."""

    heads: int
    kv_heads: int
    width: int
    context: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> GroupedHeads:
        """From a configuration, with the family's own defaults."""
        family = family_of(config)
        q, k = (linear for linear in family.linears(config)[:2])
        half = family.kv_width(config) // 2
        assert k.outputs == half
        heads = int(config.get("num_attention_heads") or (24 if config["model_type"] == "starcoder2" else 32))
        width = q.outputs // heads
        kv_heads = half // width
        if heads % kv_heads or width % 2:
            raise SourceError(
                f"the base's configuration has {heads} heads of {width} numbers over {kv_heads} of keys and values; "
                "expected heads of an even width, in equal groups"
            )
        return cls(heads, kv_heads, width, family.context(config))


def head_width(config: Mapping[str, Any]) -> int:
    """Numbers of one head."""
    if config["model_type"] == "gpt_bigcode":
        return gpt_like.head_width(config)
    return GroupedHeads.of(config).width


def windows(config: Mapping[str, Any]) -> list[int]:
    """How far back each layer looks; 0 for everything."""
    layers = family_of(config).layers(config)
    model_type = config["model_type"]
    # transformers' defaults, for a configuration that leaves the key out
    default = 4096 if model_type in ("mistral", "qwen2") else 0
    window = config.get("sliding_window", default) or 0
    if not isinstance(window, int) or window < 0:
        raise SourceError(f"sliding_window is {window!r} in the base's configuration; expected a whole number")
    window = min(window, _EVERYTHING)
    if model_type == "llama" or (model_type == "qwen2" and not config.get("use_sliding_window")):
        window = 0
    kinds = config.get("layer_types") if model_type in ("mistral", "qwen2") else None  # as transformers does
    if kinds:
        if not isinstance(kinds, list) or len(kinds) != layers or not set(kinds) <= {"full_attention", _SLIDING}:
            raise SourceError(
                f"layer_types is {str(kinds)[:60]} in the base's configuration; expected full_attention or {_SLIDING} "
                f"for each of its {layers} layers"
            )
        return [window if kind == _SLIDING else 0 for kind in kinds]
    if model_type == "qwen2" and window:
        first = integer(config, "max_window_layers", 28, least=0)
        return [window if layer >= first else 0 for layer in range(layers)]
    return [window] * layers
