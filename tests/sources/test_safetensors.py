"""The header of a safetensors file is checked before anything is believed."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from astrarium.core.errors import CorruptFileError
from astrarium.sources.safetensors import read_entries, read_tensors

DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool]


def write(path: Path, header: Any, data: bytes = b"", *, length: int | None = None) -> Path:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(content) if length is None else length) + content + data)
    return path


def entry(dtype: str = "F32", shape: tuple[int, ...] = (2,), offsets: tuple[int, int] = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@given(
    shapes=st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=4),
    dtype=st.sampled_from(DTYPES),
    large=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_it_reads_what_safetensors_writes(
    shapes: list[list[int]], dtype: torch.dtype, large: bool, tmp_path_factory: Any
) -> None:
    path = tmp_path_factory.mktemp("st") / "x.safetensors"
    tensors = {f"t{number}": torch.randn(shape).mul(9).to(dtype) for number, shape in enumerate(shapes)}
    if large:
        tensors["large"] = torch.randn(2 << 19).to(dtype)  # of 2 MiB and more
    save_file(tensors, path, metadata={"format": "pt"})
    read = {tensor.name: tensor for tensor in read_tensors(path, large_pages=large)}
    assert set(read) == set(tensors)
    for name, tensor in tensors.items():
        assert read[name].shape == tuple(tensor.shape)
        assert bytes(read[name].data) == tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        if dtype in (torch.float32, torch.float16, torch.bfloat16):
            np.testing.assert_array_equal(read[name].values(), tensor.float().numpy())


CASES = [
    (b"", None, b"", "has 3 bytes; a safetensors file has 8 or more"),
    ({"a": entry()}, 1 << 60, b"", "its header promises 1152921504606846976 bytes"),
    (b"{not json", None, b"", "no readable header"),
    (b"[1]", None, b"", "no readable header"),
    ({"a": entry()}, None, b"\0" * 4, "is truncated: tensor a ends at byte"),
    ({"a": entry(offsets=(0, 4))}, None, b"\0" * 8, r"tensor a of shape \[2\] and dtype F32 takes 8 bytes.*gives it 4"),
    ({"a": entry("F31")}, None, b"\0" * 8, "tensor a has dtype F31; known are F64, F32"),
    ({"a": entry(shape=(-2,))}, None, b"\0" * 8, "expected dtype, shape, offsets"),
    ({"a": {"dtype": "F32"}}, None, b"", "tensor a is described as"),
    ({"a": {**entry(), "dtype": [1]}}, None, b"\0" * 8, "tensor a is described as"),
    ({"a": {**entry(), "shape": [True, 2]}}, None, b"\0" * 8, "tensor a is described as"),
    ({"a": entry(), "b": entry(offsets=(4, 12))}, None, b"\0" * 12, "tensors a and b overlap"),
    ({"a": entry(shape=(1 << 40,), offsets=(0, 1 << 42))}, None, b"\0" * 8, "is truncated: tensor a ends at byte"),
]


@pytest.mark.parametrize(("header", "length", "data", "message"), CASES)
def test_bad_files(header: Any, length: int | None, data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    if header == b"":
        path.write_bytes(b"abc")
    else:
        write(path, header, data, length=length)
    with pytest.raises(CorruptFileError, match=message) as caught:
        read_entries(path)
    assert str(path) in str(caught.value)


@given(content=st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_entries_or_a_clear_error(content: bytes, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "x.safetensors"
    for body in (content, struct.pack("<Q", len(content)) + content):
        path.write_bytes(body)
        with contextlib.suppress(CorruptFileError):
            read_entries(path)
