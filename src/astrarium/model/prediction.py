"""What a base will take of memory, before it is loaded."""

from __future__ import annotations

import os

from astrarium.core.errors import EngineError
from astrarium.engine.networks import why_not
from astrarium.engine.opening import predict
from astrarium.sources import open_base


def predict_memory(
    base: str | os.PathLike[str] = "default",
    *,
    format: str = "auto",
    device: str = "cpu",
    revision: str | None = None,
    cache_tokens: int | None = None,
) -> dict[str, int]:
    """Bytes that `load` would take with these options; none of the weights is read.

    Returns:
        `weights`; `cache_most`, which the cache may grow to where that fits, and `cache_token`, which it takes for a
        token; `free`, where the system says it. Adapters (`load`'s `adapter_bytes`), Python, torch and the
        tokenizer come on top. Weights that an earlier start has rounded are mapped, and take memory as they are read.

    Raises:
        SourceError: the base cannot be found or read.
        EngineError: an unknown weight format or device, or a base that transformers runs.
    """
    source = open_base(os.fspath(base), revision=revision)
    reason = why_not(source.config)
    if reason:
        raise EngineError(f"the memory of {source.name} is not predicted: {reason}")
    return predict(source, weight_format=format, device=device, cache_tokens=cache_tokens)
