"""StarCoder2: Llama's attention with biases, GPT-2's MLP, layer norms.

Source: Lozhkov et al. 2024 (arXiv 2402.19173), section 6; transformers' `models/starcoder2/modeling_starcoder2.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from astrarium.engine.activations import activate
from astrarium.engine.attention import Attention, Split
from astrarium.engine.cache import Cache, Shape
from astrarium.engine.families.network import Network
from astrarium.engine.families.settings import GroupedHeads, windows
from astrarium.engine.rotary import Rotary
from astrarium.engine.step import Step
from astrarium.engine.weights import Weights
from astrarium.families.family import positive


class Starcoder2(Network):
    """Grouped heads, rotary positions, a plain MLP, layer norms."""

    embedding_path = "model.embed_tokens"

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        super().__init__(config, weights)
        self.heads = GroupedHeads.of(config)
        rotary = Rotary(config, self.heads.width, self.heads.context, weights.device)
        self.blocks = nn.ModuleList(
            _Block(self, f"model.layers.{layer}", layer, window, rotary) for layer, window in enumerate(windows(config))
        )
        self.last_norm = self.layer_norm("model.norm", positive(config, "norm_epsilon", 1e-5))
        self.head = self.linears("lm_head")

    def cache_shape(self, dtype: torch.dtype) -> Shape:
        return Shape(len(self.blocks), self.heads.kv_heads, self.heads.width, dtype)


class _Block(nn.Module):
    def __init__(self, model: Starcoder2, path: str, layer: int, window: int, rotary: Rotary) -> None:
        super().__init__()
        epsilon = positive(model.config, "norm_epsilon", 1e-5)
        self.input_norm = model.layer_norm(f"{path}.input_layernorm", epsilon)
        self.qkv = model.linears(*(f"{path}.self_attn.{name}_proj" for name in "qkv"))
        self.out = model.linears(f"{path}.self_attn.o_proj")
        self.post_norm = model.layer_norm(f"{path}.post_attention_layernorm", epsilon)
        self.fc = model.linears(f"{path}.mlp.c_fc")
        self.proj = model.linears(f"{path}.mlp.c_proj")
        self.activation = str(model.config.get("hidden_act") or "gelu_pytorch_tanh")
        heads = model.heads
        split = Split.apart(heads.heads, heads.kv_heads, heads.width)
        self.attend = Attention(layer, split, heads.width, window=window, rotary=rotary)

    def __call__(self, x: Tensor, step: Step, cache: Cache) -> Tensor:
        qkv = self.qkv(self.input_norm(x, step.rows), step.rows)
        x = self.out(self.attend(qkv, step, cache), step.rows, into=x)
        inner = activate(self.activation, self.fc(self.post_norm(x, step.rows), step.rows))
        return self.proj(inner, step.rows, into=x)
