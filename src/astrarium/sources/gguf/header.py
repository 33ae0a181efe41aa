"""The header of a GGUF file: metadata and where each tensor lies. Every size is checked before it is believed.

Source: ggml's `docs/gguf.md`, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from astrarium.core.errors import CorruptFileError, SourceError
from astrarium.sources.gguf.blocks import BLOCKS

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MAX_DIMENSIONS = 4
_MAX_DEPTH = 8
_STRING, _ARRAY, _BOOL = 8, 9, 7
_SCALARS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip
_PLAIN = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Where a tensor lies in the file."""

    name: str
    shape: tuple[int, ...]
    """Rows first, as numpy has it (the file has it the other way round)."""
    kind: str
    start: int
    """Byte in the file."""
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says before its tensors."""

    path: Path
    metadata: dict[str, Any]
    tensors: tuple[TensorInfo, ...]
    buffer: memoryview
    """The whole file, mapped."""

    def number(self, key: str, default: float | None = None) -> float:
        """A number of the metadata, above zero.

        Raises:
            CorruptFileError: missing without a default, no number, or not above zero.
        """
        value = self.metadata.get(key, default)
        if value is None:
            raise CorruptFileError(f"{self.path} lacks the metadata {key}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise CorruptFileError(f"{self.path}: metadata {key} is {str(value)[:80]!r}; expected a number above 0")
        return value

    def count(self, key: str, default: int | None = None) -> int:
        """A whole number of the metadata, above zero.

        Raises:
            CorruptFileError: see `number`.
        """
        value = self.number(key, default)
        if not isinstance(value, int):
            raise CorruptFileError(f"{self.path}: metadata {key} is {value}; expected a whole number")
        return value


def read_header(path: str | Path) -> Header:
    """Map a GGUF file and read its header.

    Raises:
        CorruptFileError: not a GGUF file, truncated, or a size that the file cannot hold.
        SourceError: a version or a type of block that is not known.
    """
    path = Path(path)
    with open(path, "rb") as file:
        if path.stat().st_size < 24:
            raise CorruptFileError(f"{path} has {path.stat().st_size} bytes; a GGUF header alone has 24 or more")
        buffer = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    reader = _Reader(path, buffer)
    magic = reader.take(4)
    if magic != _MAGIC:
        raise CorruptFileError(f"{path} begins with {bytes(magic)!r}; a GGUF file begins with {_MAGIC!r}")
    version = reader.number("<I")
    if version not in _VERSIONS:
        raise SourceError(
            f"{path} is GGUF version {version}; known are {', '.join(map(str, _VERSIONS))}, little-endian"
        )
    tensors, keys = reader.number("<Q"), reader.number("<Q")
    reader.check_count(tensors, 24, "tensors")
    reader.check_count(keys, 13, "metadata keys")
    metadata = {}
    for _ in range(keys):
        key = reader.string()
        metadata[key] = reader.value(reader.number("<I"), shown(key))
    infos = [reader.tensor() for _ in range(tensors)]
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise CorruptFileError(f"{path}: general.alignment is {alignment!r}; expected a whole number from 1")
    names = {name for name, *_ in infos}
    if len(names) != len(infos):
        raise CorruptFileError(f"{path} lists {len(infos)} tensors, {len(infos) - len(names)} of them twice")
    data = -(-reader.at // alignment) * alignment
    return Header(path, metadata, tuple(_placed(path, info, data, len(buffer)) for info in infos), buffer)


def shown(name: str) -> str:
    """A name out of a file, fit for a message: one short line, whatever it holds."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:80])


def _placed(path: Path, info: tuple[str, tuple[int, ...], int, int], data: int, length: int) -> TensorInfo:
    name, shape, number, offset = info
    kind = _TYPES.get(number, f"number {number}")
    count = prod(shape)
    if kind in BLOCKS:
        block = BLOCKS[kind]
        if shape[-1] % block.values:
            raise CorruptFileError(
                f"{path}: tensor {shown(name)} has rows of {shape[-1]}; {kind} blocks hold {block.values}"
            )
        size = count // block.values * block.size
    elif kind in _PLAIN:
        size = count * _PLAIN[kind]
    else:
        raise SourceError(
            f"{path}: tensor {shown(name)} has blocks of type {kind}; known are {', '.join([*_PLAIN, *BLOCKS])}"
        )
    if data + offset + size > length:
        raise CorruptFileError(
            f"{path} is truncated: tensor {shown(name)} needs bytes up to {data + offset + size}, the file has {length}"
        )
    return TensorInfo(name, shape, kind, data + offset, size)


class _Reader:
    """Walks over the header; asks the file's length before every step."""

    def __init__(self, path: Path, buffer: memoryview) -> None:
        self._path = path
        self._buffer = buffer
        self.at = 0

    def take(self, size: int) -> memoryview:
        end = self.at + size
        if end > len(self._buffer):
            raise CorruptFileError(
                f"{self._path} is truncated: its header needs {size} bytes at {self.at}, it has {len(self._buffer)}"
            )
        piece = self._buffer[self.at : end]
        self.at = end
        return piece

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def string(self) -> str:
        content = bytes(self.take(self.number("<Q")))
        return content.decode("utf-8", errors="replace")

    def check_count(self, count: int, least: int, what: str) -> None:
        left = len(self._buffer) - self.at
        if count * least > left:
            raise CorruptFileError(
                f"{self._path}: header promises {count} {what} of {least} bytes or more, the file has {left} bytes left"
            )

    def value(self, kind: int, key: str) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array(key)
        if kind not in _SCALARS:
            raise CorruptFileError(f"{self._path}: metadata {key} has a value of type {kind}; known are 0 to 12")
        return self.number(_SCALARS[kind])

    def _array(self, key: str, depth: int = 1) -> list[Any]:
        if depth > _MAX_DEPTH:
            raise CorruptFileError(f"{self._path}: metadata {key} has arrays in arrays, more than {_MAX_DEPTH} deep")
        kind, count = self.number("<I"), self.number("<Q")
        if kind == _STRING:
            self.check_count(count, 8, f"strings in {key}")
            return [self.string() for _ in range(count)]
        if kind == _ARRAY:
            self.check_count(count, 12, f"arrays in {key}")
            return [self._array(key, depth + 1) for _ in range(count)]
        if kind not in _SCALARS:
            raise CorruptFileError(f"{self._path}: metadata {key} is an array of type {kind}; known are 0 to 12")
        size = struct.calcsize(_SCALARS[kind])
        self.check_count(count, size, f"numbers in {key}")
        return list(struct.unpack(f"<{count}{_SCALARS[kind][1]}", self.take(count * size)))

    def tensor(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self.string()
        dimensions = self.number("<I")
        if not 1 <= dimensions <= _MAX_DIMENSIONS:
            raise CorruptFileError(f"{self._path}: tensor {shown(name)} has {dimensions} dimensions; expected 1 to 4")
        shape = tuple(reversed([self.number("<Q") for _ in range(dimensions)]))
        return name, shape, self.number("<I"), self.number("<Q")
