"""A digest that tells two models apart without reading all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from astrarium.core.digests import digest_bytes

_END_BYTES = 1 << 20


def fingerprint(config: Mapping[str, Any], files: Iterable[Path]) -> str:
    """Digest of a configuration and, of each file, its name, size, first and last mebibyte."""
    parts = [json.dumps(config, sort_keys=True).encode()]
    for path in sorted(files):
        size = path.stat().st_size
        parts.append(f"{path.name} {size}".encode())
        with open(path, "rb") as file:
            parts.append(file.read(_END_BYTES))
            file.seek(max(0, size - _END_BYTES))
            parts.append(file.read(_END_BYTES))
    return digest_bytes(b"\0".join(parts))
