"""A digest that tells two models apart without reading all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from astrarium.core.digests import digest_bytes

_END_BYTES = 1 << 20
_SAMPLES, _SAMPLE_BYTES = 256, 4096


def fingerprint(config: Mapping[str, Any], files: Iterable[Path]) -> str:
    """Digest of a configuration and, of each file, its name, size, first and last mebibyte, and samples between.

    The samples are 256 times 4 KiB, evenly spread, for models that differ in some layers only.
    """
    parts = [json.dumps(config, sort_keys=True).encode()]
    for path in sorted(files):
        size = path.stat().st_size
        parts.append(f"{path.name} {size}".encode())
        with open(path, "rb", buffering=0) as file:
            for at, count in ((0, _END_BYTES), (max(0, size - _END_BYTES), _END_BYTES), *_between(size)):
                file.seek(at)
                parts.append(file.read(count))
    return digest_bytes(b"\0".join(parts))


def _between(size: int) -> Iterable[tuple[int, int]]:
    step = max(1, (size - 2 * _END_BYTES) // _SAMPLES)
    return ((at, _SAMPLE_BYTES) for at in range(_END_BYTES, size - _END_BYTES, max(step, _SAMPLE_BYTES)))
