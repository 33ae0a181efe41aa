"""Methods that put something before the prompt: P-Tuning, prompt tuning, prefix tuning.

Source: Liu et al. 2021, P-Tuning (arXiv 2103.10385); Lester et al. 2021, prompt tuning (arXiv 2104.08691); Li & Liang
2021, prefix tuning (arXiv 2101.00190). The file holds what the encoder made, under one key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from astrarium.core.errors import AdapterError
from astrarium.engine.adapters.parts import Adapter
from astrarium.engine.adapters.target import Target, Tensors
from astrarium.families import family_of

_KEY = "prompt_embeddings"


def read(config: Mapping[str, Any], tensors: Tensors, target: Target, adapter: Adapter) -> None:
    """Take the virtual tokens of a file, `[tokens, hidden]`.

    Raises:
        AdapterError: they do not fit the base.
    """
    base = target.network.config
    layers, own = config.get("num_layers"), family_of(base).layers(base)
    if layers is not None and layers != own:
        raise AdapterError(f"num_layers is {layers}; the base's is {own}")
    hidden = family_of(base).width(base)
    adapter.prompt = tensors.take(_KEY, int(config["num_virtual_tokens"]), hidden).contiguous()


def read_prefix(config: Mapping[str, Any], tensors: Tensors, target: Target, adapter: Adapter) -> None:
    """Take the keys and values of a file, `[tokens, layers * 2 * width]`.

    Raises:
        AdapterError: they do not fit the base.
    """
    shape = target.network.cache_shape(torch.float32)
    tokens, layers = int(config["num_virtual_tokens"]), int(config.get("num_layers") or shape.layers)
    width, heads = int(config["token_dim"]), int(config["num_attention_heads"])
    if layers != shape.layers or width // heads != shape.head_width:
        raise AdapterError(
            f"it was made for {layers} layers and heads of {width // heads} numbers; "
            f"the base has {shape.layers} and {shape.head_width}"
        )
    if heads != shape.kv_heads and shape.kv_heads != 1:
        raise AdapterError(f"it has {heads} key and value heads; the base has {shape.kv_heads}")
    flat = tensors.take(_KEY, tokens, layers * 2 * width)
    every = flat.view(tokens, layers, 2, heads, width // heads).permute(1, 2, 0, 3, 4)
    # With one key and value head peft, too, keeps the first head of those it has made.
    adapter.past = every[:, :, :, : shape.kv_heads].contiguous()
