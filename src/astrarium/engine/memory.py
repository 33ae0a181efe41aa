"""How much memory there is, and how much a model will take, before it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from astrarium.core.errors import EngineError
from astrarium.core.memory import available_bytes
from astrarium.engine.cache import PAGE, pages_for
from astrarium.engine.families.settings import head_width
from astrarium.engine.formats.gguf import HELD, panel_bytes
from astrarium.engine.formats.panels import GROUP, PANEL
from astrarium.engine.formats.torch_layers import WITHOUT_PACKING, packed_bytes
from astrarium.engine.weights import POSITIONS, Plan
from astrarium.families import family_of

_LEAST_TOKENS = 256
"""A cache for fewer is of no use."""


def weight_bytes(
    config: Mapping[str, Any], weight_format: str, kinds: Mapping[str, str] | None = None, *, packed: bool = False
) -> int:
    """Bytes that a base's weights will take, tensor by tensor.

    Args:
        config: content of the base's `config.json`.
        weight_format: one of `FORMATS`.
        kinds: for `gguf`, parameter's name → the type of its blocks or its dtype.
        packed: whether torch's kernels multiply them, see `formats/torch_layers.py`.
    """
    plan = Plan.of(config)
    weights = sum(
        _layer_bytes(path, *shape, weight_format, (kinds or {}).get(f"{path}.weight", ""), plan, packed)
        for path, shape in plan.shapes.items()
    )
    return weights + 4 * (sum(plan.biases.values()) + sum(plan.vectors.values()))


def _layer_bytes(path: str, outputs: int, inputs: int, weight_format: str, kind: str, plan: Plan, packed: bool) -> int:
    plain = outputs * inputs * (4 if weight_format == "fp32" else 2)
    if path == POSITIONS:
        return plain
    rows = -(-outputs // PANEL) * PANEL
    four = weight_format == "int4" and path not in ("lm_head", plan.embedding)
    if weight_format == "gguf":
        if kind not in HELD:
            return plain * (2 if kind == "F32" else 1)
        four, panels = kind.startswith("Q4"), panel_bytes(kind, outputs, inputs)
    elif weight_format not in ("int8", "int4") or inputs % GROUP:
        return plain
    elif four:
        panels = rows * (inputs // GROUP * (GROUP // 2 + 2) + 8)  # codes, scale and minimum of a group; two of a row
    else:
        panels = rows * (inputs // GROUP * (GROUP + 1) + 4)
    looked_up = path == plan.embedding
    if not packed or (looked_up and not plan.tied):
        return panels
    if kind in WITHOUT_PACKING:
        return plain
    return packed_bytes(outputs, inputs, 4 if four else 8) + (panels if looked_up else 0)


def table_bytes(config: Mapping[str, Any]) -> int:
    """Bytes of the rotary tables, which reach over the whole context: a cosine and a sine for each pair of a head."""
    return 0 if config["model_type"] == "gpt_bigcode" else family_of(config).context(config) * head_width(config) * 4


def cache_bytes(config: Mapping[str, Any], tokens: int, weight_format: str) -> int:
    """Bytes that the keys and values of so many tokens will take, in whole pages; fp32 for an fp32 base, or bf16."""
    family = family_of(config)
    half = family.kv_width(config) // 2
    width = head_width(config)
    padded = half // width * (-(-width // 16) * 16)
    return pages_for(tokens) * PAGE * family.layers(config) * (half + padded) * (4 if weight_format == "fp32" else 2)


def cache_tokens(
    config: Mapping[str, Any], weight_format: str, wanted: int | None, left: int | None, name: str
) -> tuple[int, str]:
    """How many tokens the cache is to hold: eight whole contexts where nothing is said, or what fits.

    Args:
        config: content of the base's `config.json`.
        weight_format: of its weights.
        wanted: what was asked for.
        left: bytes that are free beside the weights; None where that is not known.
        name: the base's, for messages.

    Returns:
        The tokens, and a note where they are fewer than a whole context.

    Raises:
        EngineError: what was asked for is no number or does not fit, or nothing useful would.
    """
    if wanted is not None and (not isinstance(wanted, int) or wanted < 1):
        raise EngineError(f"cache_tokens is {wanted!r}; expected a whole number from 1")
    context = family_of(config).context(config)
    tokens = 8 * context if wanted is None else wanted
    if left is None or cache_bytes(config, tokens, weight_format) <= left:
        return tokens, ""
    page = cache_bytes(config, PAGE, weight_format)
    fitting = left // page * PAGE
    if wanted is not None or fitting < _LEAST_TOKENS:
        needed = cache_bytes(config, wanted or _LEAST_TOKENS, weight_format)
        raise EngineError(
            f"{name}: a cache of {wanted or _LEAST_TOKENS} tokens needs {needed / 2**30:.2f} GiB, and "
            f"{max(left, 0) / 2**30:.2f} GiB are free beside the weights; "
            "take fewer tokens (cache_tokens) or a smaller weight format (--format)"
        )
    if fitting >= context:
        return fitting, ""
    return fitting, (
        f"{name}: the cache holds {fitting} tokens ({fitting // PAGE * page / 2**30:.2f} GiB), which is what fits; "
        f"the model's context is {context}"
    )


def available(device: torch.device | str = "cpu") -> int | None:
    """Bytes that this process can still take on a device; None where the system does not say."""
    if torch.device(device).type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return available_bytes()


def check_fits(what: str, needed: int, free: int | None, advice: str) -> None:
    """Refuse what would not fit.

    Raises:
        EngineError: it needs more than is free.
    """
    if free is not None and needed > free:
        raise EngineError(f"{what} needs {needed / 2**30:.2f} GiB, and {free / 2**30:.2f} GiB are free; {advice}")
