"""The blocks of the six families for training, over the modules that transformers and peft hold.

Shapes: x is the residual stream, fp32 `[tokens, hidden]`, with the rows of a batch end to end and no padding between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from astrarium.engine.families.settings import GroupedHeads, windows
from astrarium.engine.rotary import KNOWN, Rotary, parameters
from astrarium.families import gpt_like
from astrarium.tune.passes.attention import Heads, Layout, attend
from astrarium.tune.passes.gates import activated, gated
from astrarium.tune.passes.norms import norm
from astrarium.tune.passes.residual import added
from astrarium.tune.passes.sites import linear, linears

Block = Callable[[nn.Module, Tensor, Layout, torch.dtype, Heads], Tensor]


@dataclass(frozen=True, slots=True)
class Network:
    """Where the parts of a model are, and how a block of it is computed."""

    embedding: nn.Embedding
    positions: nn.Embedding | None
    layers: list[nn.Module]
    heads: list[Heads]
    """Of each layer."""
    last_norm: nn.Module
    head: nn.Module
    rotary: Rotary | None
    block: Block


def network_of(model: Any) -> Network | str:
    """The network of a causal model of transformers, or why it has none here.

    Args:
        model: the model itself, not peft's wrapper; peft's layers may be in it.
    """
    config = model.config.to_dict()
    kind = config.get("model_type")
    if kind in ("llama", "mistral", "qwen2", "starcoder2"):
        return _grouped(model, config)
    if kind in ("gpt_bigcode", "gpt2"):
        return _gpt(model, config)
    return f"family {kind!r} has no training pass of our own"


def _grouped(model: Any, config: dict[str, Any]) -> Network | str:
    scaling = parameters(config)["rope_type"]
    if scaling not in KNOWN:
        return f"rotary positions of type {scaling!r} have no training pass of our own"
    shape = GroupedHeads.of(config)
    inner = model.model
    heads = [Heads(shape.heads, shape.kv_heads, shape.width, shape.width**-0.5, window) for window in windows(config)]
    block = _starcoder2_block if config["model_type"] == "starcoder2" else _llama_block
    rotary = Rotary(config, shape.width, shape.context)
    return Network(inner.embed_tokens, None, list(inner.layers), heads, inner.norm, model.lm_head, rotary, block)


def _gpt(model: Any, config: dict[str, Any]) -> Network | str:
    if config.get("scale_attn_by_inverse_layer_idx"):
        return "attention scaled by the layer's number has no training pass of our own"
    inner = model.transformer
    count, width = gpt_like.heads(config), gpt_like.head_width(config)
    scale = width**-0.5 if config.get("scale_attn_weights", True) else 1.0
    shared = config["model_type"] == "gpt_bigcode" and config.get("multi_query", True)
    heads = Heads(count, 1 if shared else count, width, scale)
    layers = list(inner.h)
    block = _gpt2_block if config["model_type"] == "gpt2" else _bigcode_block
    return Network(inner.wte, inner.wpe, layers, [heads] * len(layers), inner.ln_f, model.lm_head, None, block)


def _llama_block(layer: Any, x: Tensor, layout: Layout, dtype: torch.dtype, heads: Heads) -> Tensor:
    x = _grouped_attention(layer, x, layout, dtype, heads)
    n, again = norm(layer.post_attention_layernorm, x, dtype)
    gate, up = linears(n, (layer.mlp.gate_proj, layer.mlp.up_proj), again, (True, True))
    h, again = gated(layer.mlp.config.hidden_act, gate, up)
    return added(x, linear(h, layer.mlp.down_proj, again))


def _starcoder2_block(layer: Any, x: Tensor, layout: Layout, dtype: torch.dtype, heads: Heads) -> Tensor:
    x = _grouped_attention(layer, x, layout, dtype, heads)
    n, again = norm(layer.post_attention_layernorm, x, dtype)
    h, again = activated(layer.self_attn.config.hidden_act, linear(n, layer.mlp.c_fc, again, keep=True))
    return added(x, linear(h, layer.mlp.c_proj, again))


def _grouped_attention(layer: Any, x: Tensor, layout: Layout, dtype: torch.dtype, heads: Heads) -> Tensor:
    own = layer.self_attn
    n, again = norm(layer.input_layernorm, x, dtype)
    q, k, v = linears(n, (own.q_proj, own.k_proj, own.v_proj), again, (False, False, True))
    return added(x, linear(attend(q, k, v, heads, layout), own.o_proj))


def _bigcode_block(layer: Any, x: Tensor, layout: Layout, dtype: torch.dtype, heads: Heads) -> Tensor:
    n, again = norm(layer.ln_1, x, dtype)
    qkv = linear(n, layer.attn.c_attn, again, keep=True)
    width = heads.heads * heads.width
    if heads.kv_heads == 1:
        q, k, v = torch.split(qkv, [width, heads.width, heads.width], dim=1)
    else:  # q, k and v of each head side by side
        q, k, v = (part.flatten(1) for part in qkv.view(len(x), heads.heads, 3, heads.width).unbind(2))
    return _gpt_rest(layer, x, attend(q, k, v, heads, layout), dtype, layer.attn.config)


def _gpt2_block(layer: Any, x: Tensor, layout: Layout, dtype: torch.dtype, heads: Heads) -> Tensor:
    n, again = norm(layer.ln_1, x, dtype)
    q, k, v = torch.split(linear(n, layer.attn.c_attn, again, keep=True), heads.heads * heads.width, dim=1)
    return _gpt_rest(layer, x, attend(q, k, v, heads, layout), dtype, layer.attn.config)


def _gpt_rest(layer: Any, x: Tensor, attended: Tensor, dtype: torch.dtype, config: Any) -> Tensor:
    x = added(x, linear(attended, layer.attn.c_proj))
    n, again = norm(layer.ln_2, x, dtype)
    h, again = activated(config.activation_function, linear(n, layer.mlp.c_fc, again, keep=True))
    return added(x, linear(h, layer.mlp.c_proj, again))
