"""How much memory there is, and how much a model will take, before it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astrarium.core.errors import EngineError
from astrarium.families import family_of

_BITS = {"fp32": 32.0, "bf16": 16.0, "int8": 8.5, "int4": 4.5}
"""Bits a weight, scales counted: int8 has an fp16 scale for 32, int4 two bytes."""


def weight_bytes(config: Mapping[str, Any], weight_format: str) -> int:
    """Bytes that a base's weights will take, held in any format but a GGUF file's own blocks."""
    family = family_of(config)
    linears = family.linears(config)
    head, blocks = linears[-1], linears[:-1]
    bits = _BITS[weight_format]
    # The output head, and with it a tied embedding, is never below int8.
    head_bits = max(bits, _BITS["int8"])
    embeddings = head.parameters * (1 if family.ties_head(config) else 2)
    biases = sum(linear.outputs for linear in blocks if linear.bias)
    weights = sum(linear.inputs * linear.outputs for linear in blocks)
    others = family.parameters(config) - weights - biases - embeddings
    return int(weights * bits / 8 + embeddings * head_bits / 8 + biases * 4 + others * (4 if bits == 32 else 2))


def available() -> int | None:
    """Bytes that this process can still take; None where the system does not say."""
    found = []
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            found += [int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:")]
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
            found.append(int(limit) - used)
    except (OSError, ValueError):
        pass
    return min(found) if found else None


def check_fits(what: str, needed: int, advice: str) -> None:
    """Refuse what would not fit.

    Raises:
        EngineError: it needs more than there is.
    """
    there = available()
    if there is not None and needed > there:
        raise EngineError(f"{what} needs {needed / 2**30:.2f} GiB, and {there / 2**30:.2f} GiB are free; {advice}")
