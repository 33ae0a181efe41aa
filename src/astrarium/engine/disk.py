"""Quantised weights on disk: written while they are made, mapped from then on.

The file is a safetensors file whose metadata hold what is not a tensor. What has been written is mapped at once, so
that rounding a model never holds more of it in memory than the layer at hand.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import struct
import time
import warnings
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor, nn

from astrarium.core.digests import digest_bytes
from astrarium.core.errors import CorruptFileError
from astrarium.engine.formats.layers import HeldLinear, PlainLinear, QuantisedLinear
from astrarium.engine.formats.panels import Panels
from astrarium.engine.weights import Weights
from astrarium.sources.safetensors import read_tensors

VERSION = 3
"""Counts the ways of rounding: what an older astrarium wrote is not taken for new."""

_KINDS = {
    torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.uint8: "U8", torch.int8: "I8",
}  # fmt: skip
_DTYPES = {kind: dtype for dtype, kind in _KINDS.items()}
_ALIGNED = 64
_OLD = 86400  # seconds
_HEADER_LAYER = 2048  # bytes of the header that a layer may take


class Writer:
    """Writes layers one by one. Until `finish` the file has another name, and is gone if that is never called."""

    def __init__(self, path: Path, layers: int) -> None:
        """Begin a file.

        Args:
            path: where it will be.
            layers: how many layers will come, at most.

        Raises:
            OSError: it cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        # No process number: containers that share a cache may have the same one.
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        self._sweep()
        self._header = 65536 + layers * _HEADER_LAYER
        self._file: IO[bytes] | None = open(self._draft, "wb")  # noqa: SIM115 (closed by finish or drop)
        self._file.seek(self._header)
        self._entries: dict[str, Any] = {}
        self._facts: dict[str, Any] = {}

    def _sweep(self) -> None:
        """Remove what a process that was killed has left, a day ago or longer."""
        for old in self._path.parent.glob(f".{self._path.name}.*"):
            try:
                if time.time() - old.stat().st_mtime > _OLD:
                    old.unlink()
            except OSError:  # another process was first
                continue

    def keep(self, path: str, layer: HeldLinear) -> HeldLinear:
        """Write a layer, and give it back mapped; as it is where the disk is full."""
        if self._file is None or not isinstance(layer, QuantisedLinear | PlainLinear):
            return layer
        try:
            if isinstance(layer, PlainLinear):
                self._facts[path] = {"plain": True}
                return PlainLinear(self._add(f"{path}:weight", layer.weight))
            self._facts[path] = layer.panels.facts()
            mapped = {name: self._add(f"{path}:{name}", value) for name, value in layer.panels.tensors().items()}
            return QuantisedLinear(_panels(layer.panels.facts(), mapped))
        except OSError:
            self.drop()
            return layer

    def finish(self, weights: Weights) -> bool:
        """Write the rest, and give the file its name. False where it could not be written."""
        if self._file is None:
            return False
        try:
            for name, vector in weights.vectors.items():
                self._add(f"vector:{name}", vector)
            for path, layer in weights.linears.items():
                if layer.bias is not None:
                    self._add(f"bias:{path}", layer.bias.detach())
            facts = {"layers": self._facts, "notes": weights.notes, "held": weights.held}
            told = json.dumps(facts)
            about = {"facts": told, "digest": _digest(told, self._entries)}
            header = json.dumps({"__metadata__": about, **self._entries}).encode()
            room = self._header - 8
            if len(header) > room:
                self.drop()
                return False
            self._file.seek(0)
            self._file.write(struct.pack("<Q", room) + header.ljust(room))
            self._file.flush()
            os.fsync(self._file.fileno())  # or a power cut could leave zeros under the name of a whole file
            self._file.close()
            self._file = None
            os.replace(self._draft, self._path)
            return True
        except OSError:
            self.drop()
            return False

    def drop(self) -> None:
        """Give up: what was written goes. What is mapped of it stays usable."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what is still to be written does not fit either
                self._file.close()
            self._file = None
        self._draft.unlink(missing_ok=True)

    def _add(self, name: str, tensor: Tensor) -> Tensor:
        assert self._file is not None
        tensor = tensor.contiguous()
        start = self._file.tell()
        start += -start % _ALIGNED
        self._file.seek(start)
        raw = tensor.reshape(-1).view(torch.uint8).numpy()
        self._file.write(raw.data)
        self._file.flush()
        kind = _KINDS[tensor.dtype]
        offsets = [start - self._header, start - self._header + len(raw)]
        self._entries[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        if not len(raw):
            return tensor
        mapped = np.memmap(self._draft, dtype=np.uint8, mode="r", offset=start, shape=(len(raw),))
        return _viewed(mapped, tensor.dtype, tuple(tensor.shape))


def read_weights(path: Path) -> Weights:
    """The weights of a file that `Writer` wrote, mapped.

    Raises:
        CorruptFileError: it is no such file, or not whole.
    """
    tensors = {tensor.name: tensor for tensor in read_tensors(path, large_pages=True)}
    try:
        with open(path, "rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            entries = json.loads(file.read(length))
        about = entries.pop("__metadata__")
        if about["digest"] != _digest(about["facts"], entries):
            raise ValueError("its header is not as it was written")
        facts = json.loads(about["facts"])
        weights = Weights(facts["held"], notes=list(facts["notes"]))
        every = {
            name: _viewed(np.frombuffer(t.data, dtype=np.uint8), _DTYPES[t.kind], t.shape)
            for name, t in tensors.items()
        }
        grouped: dict[str, dict[str, Tensor]] = {}
        for name, tensor in every.items():
            module, _, part = name.partition(":")
            grouped.setdefault(module, {})[part] = tensor
        for module, about in facts["layers"].items():
            own = grouped[module]
            plain = about.get("plain")
            weights.linears[module] = PlainLinear(own["weight"]) if plain else QuantisedLinear(_panels(about, own))
        for name, tensor in every.items():
            kind, _, rest = name.partition(":")
            if kind == "vector":
                weights.vectors[rest] = tensor
            elif kind == "bias":
                weights.linears[rest].bias = nn.Parameter(tensor, requires_grad=False)
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptFileError(f"{path} holds no weights that astrarium wrote: {error}") from error
    return weights


def _digest(facts: str, entries: dict[str, Any]) -> str:
    """Of all that a header says: kernels write and read as far as it says."""
    return digest_bytes(json.dumps([facts, entries], sort_keys=True).encode())


def _panels(facts: dict[str, Any], tensors: dict[str, Tensor]) -> Panels:
    every: dict[str, Any] = {**facts, "table": bytes(facts["table"]), **tensors}
    return Panels(**every)


def _viewed(raw: Any, dtype: torch.dtype, shape: tuple[int, ...]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given (buffer|NumPy array) is not writable")  # it is only read
        return torch.from_numpy(raw).view(dtype).reshape(shape)
