"""The embedded default in disguise: the same function with the input channels of every linear in another order.

The default's weights lie on the grid of Q4_1 in groups of 32 channels. Quantised again in the same groups they lose
nothing, which says nothing of a format. Permuted, the groups hold other channels and the loss is an honest one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from astrarium.core.files import atomic_folder, write_json
from astrarium.sources import open_base

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GROUP = 32
_LARGEST = 7


def permuted_default(folder: Path, *, seed: int = 0) -> Path:
    """A folder of the permuted default, in fp32. Written once, then found."""
    if (folder / "config.json").is_file():
        return folder
    source = open_base("default")
    config = source.config
    heads, kv_heads = config["num_attention_heads"], config.get("num_key_value_heads", config["num_attention_heads"])
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    head = hidden // heads
    drawn = np.random.default_rng(seed)
    stream = drawn.permutation(hidden)
    feeds = [drawn.permutation(inner) for _ in range(layers)]
    values = [drawn.permutation(head) for _ in range(layers)]
    tensors: dict[str, NDArray[np.float32]] = {}
    for tensor in source.tensors():
        feed = value = out = None
        if ".layers." in tensor.name:
            layer = int(tensor.name.split(".layers.")[1].split(".")[0])
            # Within each head only: a query head reads the values of its group's one value head, in their order.
            feed = feeds[layer]
            value = np.concatenate([number * head + values[layer] for number in range(kv_heads)])
            out = np.concatenate([number * head + values[layer] for number in range(heads)])
        rows, columns = _orders(tensor.name, stream, feed, value, out)
        weight = tensor.values()
        weight = weight if rows is None else weight[rows]
        tensors[tensor.name] = np.ascontiguousarray(weight if columns is None else weight[:, columns])
    save(folder, config, tensors)
    return folder


def rounded(folder: Path, base: Path) -> Path:
    """A folder of a base whose linears, all but the output head, are rounded to the nearest of int4 in groups of 32.

    The weights are fp32 again: only their values are those of int4, with a scale for each group.
    """
    if (folder / "config.json").is_file():
        return folder
    source = open_base(str(base))
    tensors = {tensor.name: tensor.values() for tensor in source.tensors()}
    for name, weight in tensors.items():
        if name.endswith("_proj.weight"):
            tensors[name] = _round(weight)
    save(folder, source.config, tensors)
    return folder


def _round(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    # Symmetric: on these weights it loses less (28 %) than with a minimum for each group (33 %), so it is the harder
    # one to beat.
    groups = weight.reshape(-1, _GROUP)
    scale = np.maximum(np.abs(groups).max(axis=1, keepdims=True) / _LARGEST, np.finfo(np.float32).tiny)
    back: NDArray[np.float32] = (np.rint(groups / scale) * scale).astype(np.float32)
    return back.reshape(weight.shape)


def _orders(
    name: str,
    stream: NDArray[np.int64],
    feed: NDArray[np.int64] | None,
    value: NDArray[np.int64] | None,
    out: NDArray[np.int64] | None,
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """In which order a tensor's rows and columns are taken."""
    part = name.removesuffix(".weight").rpartition(".")[2]
    if "norm" in part:
        return stream, None
    orders: Mapping[str, tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]] = {
        "embed_tokens": (None, stream),
        "lm_head": (None, stream),
        "q_proj": (None, stream),
        "k_proj": (None, stream),
        "v_proj": (value, stream),
        "o_proj": (stream, out),
        "gate_proj": (feed, stream),
        "up_proj": (feed, stream),
        "down_proj": (stream, feed),
    }
    return orders[part]


def plain_default(folder: Path) -> Path:
    """A folder of the default as it is, in fp32. Written once, then found."""
    if not (folder / "config.json").is_file():
        source = open_base("default")
        save(folder, source.config, {tensor.name: tensor.values() for tensor in source.tensors()})
    return folder


def save(folder: Path, config: Mapping[str, object], tensors: dict[str, NDArray[np.float32]]) -> None:
    from safetensors.numpy import save_file

    with atomic_folder(folder) as place:
        save_file(tensors, place / "model.safetensors", metadata={"format": "pt"})
        open_base("default").tokenizer().save(place)
        write_json(place / "config.json", {**config, "dtype": "float32"})
