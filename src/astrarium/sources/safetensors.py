"""Safetensors files: the header read and checked before anything is allocated, the tensors as views of the map.

Source: the format's own description, huggingface/safetensors, `README.md`.
"""

from __future__ import annotations

import itertools
import json
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from astrarium.core.errors import CorruptFileError
from astrarium.core.pages import prefer_large
from astrarium.sources.tensor import PLAIN_BYTES, Tensor

_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor lies in a safetensors file."""

    name: str
    kind: str
    shape: tuple[int, ...]
    start: int
    """Byte in the file."""
    end: int


def read_entries(path: str | Path) -> list[Entry]:
    """The tensors of a safetensors file, in the order of their bytes.

    Raises:
        CorruptFileError: truncated, no JSON, or a header that promises what the file does not hold.
    """
    path = Path(path)
    size = path.stat().st_size
    with open(path, "rb") as file:
        first = file.read(_LENGTH_BYTES)
        if len(first) < _LENGTH_BYTES:
            raise CorruptFileError(f"{path} has {size} bytes; a safetensors file has 8 or more")
        length = struct.unpack("<Q", first)[0]
        if length > size - _LENGTH_BYTES:
            raise CorruptFileError(f"{path} is truncated: its header promises {length} bytes, the file has {size}")
        content = file.read(length)
    try:
        header = json.loads(content)
        if not isinstance(header, dict):
            raise TypeError("no JSON object")
    except (ValueError, TypeError, RecursionError) as error:
        raise CorruptFileError(f"{path} has no readable header ({error}); it is no safetensors file") from error
    data = _LENGTH_BYTES + length
    entries = [_entry(path, name, value, data, size) for name, value in header.items() if name != "__metadata__"]
    entries.sort(key=lambda entry: (entry.start, entry.end))
    for before, after in itertools.pairwise(entries):
        if after.start < before.end:
            raise CorruptFileError(f"{path}: tensors {before.name} and {after.name} overlap")
    return entries


def _entry(path: Path, name: str, value: Any, data: int, size: int) -> Entry:
    try:
        kind, shape, (start, end) = value["dtype"], tuple(value["shape"]), value["data_offsets"]
        whole = isinstance(kind, str) and all(type(number) is int and number >= 0 for number in (*shape, start, end))
    except (KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise CorruptFileError(
            f"{path}: tensor {name} is described as {str(value)[:80]}; expected dtype, shape, offsets"
        )
    if kind not in PLAIN_BYTES:
        raise CorruptFileError(f"{path}: tensor {name} has dtype {kind}; known are {', '.join(PLAIN_BYTES)}")
    expected = prod(shape) * PLAIN_BYTES[kind]
    if end - start != expected:
        raise CorruptFileError(
            f"{path}: tensor {name} of shape {list(shape)} and dtype {kind} takes {expected} bytes, "
            f"its header gives it {end - start}"
        )
    if data + end > size:
        raise CorruptFileError(f"{path} is truncated: tensor {name} ends at byte {data + end}, the file has {size}")
    return Entry(name, kind, shape, data + start, data + end)


def read_tensors(path: str | Path, *, large_pages: bool = False) -> Iterator[Tensor]:
    """The tensors of a safetensors file, one by one, as views of the mapped file.

    Args:
        path: the file.
        large_pages: whether it will be read again and again, for which large pages are better.

    Raises:
        CorruptFileError: see `read_entries`.
    """
    entries = read_entries(path)
    if not entries:
        return
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if large_pages:
        prefer_large(mapped)
    buffer = memoryview(mapped)
    for entry in entries:
        yield Tensor(entry.name, entry.shape, entry.kind, buffer[entry.start : entry.end])
