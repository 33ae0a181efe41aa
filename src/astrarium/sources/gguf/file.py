"""The tensors of a GGUF file under transformers' names."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from astrarium.core.errors import CorruptFileError, SourceError
from astrarium.sources.gguf.architectures import Architecture, architecture_of, parameter_name
from astrarium.sources.gguf.header import Header, TensorInfo, shown
from astrarium.sources.tensor import Tensor


def tensors_of(header: Header) -> Iterator[Tensor]:
    """The tensors, one by one. Rows of q and k come in transformers' order; those are copies, the rest are views.

    Raises:
        SourceError: a tensor that transformers' model has no parameter for.
    """
    name, architecture = architecture_of(header)
    heads = header.count(f"{name}.attention.head_count")
    kv_heads = header.count(f"{name}.attention.head_count_kv", heads)
    for info in header.tensors:
        parameter = parameter_name(info.name, architecture)
        if parameter is None:
            raise SourceError(
                f"{header.path}: tensor {shown(info.name)} has no place in a {architecture.model_type} model"
            )
        data = header.buffer[info.start : info.start + info.size]
        if architecture.rotated_pairs and info.name.split(".")[-2] in ("attn_q", "attn_k"):
            these = heads if ".attn_q." in info.name else kv_heads
            if not data or info.shape[0] % (2 * these):
                raise CorruptFileError(
                    f"{header.path}: tensor {shown(info.name)} has {info.shape[0]} rows of {math.prod(info.shape[1:])} "
                    f"numbers, which {these} heads do not share evenly"
                )
            data = _unpaired(data, info, these)
        yield _tensor(parameter, info, data, architecture)


def _tensor(parameter: str, info: TensorInfo, data: memoryview, architecture: Architecture) -> Tensor:
    if parameter.endswith(architecture.transposed) and architecture.transposed and len(info.shape) == 2:
        return Tensor(parameter, (info.shape[1], info.shape[0]), info.kind, data, transposed=True)
    return Tensor(parameter, info.shape, info.kind, data)


def _unpaired(data: memoryview, info: TensorInfo, heads: int) -> memoryview:
    """Undo llama.cpp's order of rows: of each head, (0, h/2, 1, h/2 + 1, …) → (0, 1, …).

    Blocks run along a row, so that whole rows of bytes move. For one head of four rows a b c d in transformers' order,
    the file has a c b d.
    """
    rows = info.shape[0]
    raw = np.frombuffer(data, dtype=np.uint8).reshape(heads, rows // heads // 2, 2, -1)
    return np.ascontiguousarray(raw.swapaxes(1, 2)).reshape(-1).data.toreadonly()
