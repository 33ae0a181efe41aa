"""GPT-BigCode, StarCoder's architecture: GPT-2 with, as a rule, one key and value head for all query heads.

Source: Li et al. 2023, "StarCoder" (arXiv 2305.06161), section 5; Shazeer 2019, multi-query attention
(arXiv 1911.02150); transformers' `models/gpt_bigcode/modeling_gpt_bigcode.py`.
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
from astrarium.engine.step import Step
from astrarium.engine.weights import Weights
from astrarium.families import gpt_like
from astrarium.families.family import flag, positive


class GptBigCode(Network):
    """Learned positions, one fused linear for q, k and v, a plain MLP, layer norms."""

    embedding_path = "transformer.wte"

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        super().__init__(config, weights)
        self.positions = self.table("transformer.wpe")
        self.blocks = nn.ModuleList(
            _Block(self, f"transformer.h.{layer}", layer) for layer in range(gpt_like.layers(config))
        )
        self.last_norm = self.layer_norm("transformer.ln_f", _epsilon(config))
        self.head = self.linears("lm_head")

    def cache_shape(self, dtype: torch.dtype) -> Shape:
        kv_heads = 1 if flag(self.config, "multi_query", True) else gpt_like.heads(self.config)
        return Shape(len(self.blocks), kv_heads, gpt_like.head_width(self.config), dtype)

    def embedded(self, step: Step) -> Tensor:
        return super().embedded(step) + self.looked_up("transformer.wpe", self.positions, step.positions, step)


class _Block(nn.Module):
    def __init__(self, model: GptBigCode, path: str, layer: int) -> None:
        super().__init__()
        config = model.config
        self.ln_1 = model.layer_norm(f"{path}.ln_1", _epsilon(config))
        self.c_attn = model.linears(f"{path}.attn.c_attn")
        self.out = model.linears(f"{path}.attn.c_proj")
        self.ln_2 = model.layer_norm(f"{path}.ln_2", _epsilon(config))
        self.c_fc = model.linears(f"{path}.mlp.c_fc")
        self.c_proj = model.linears(f"{path}.mlp.c_proj")
        self.activation = str(config.get("activation_function") or "gelu_pytorch_tanh")
        heads, width = gpt_like.heads(config), gpt_like.head_width(config)
        multi_query = flag(config, "multi_query", True)
        split = Split.apart(heads, 1, width) if multi_query else Split.interleaved(heads, width)
        self.attend = Attention(layer, split, width)
        if not flag(config, "scale_attn_weights", True):
            self.attend.scale = 1.0

    def __call__(self, x: Tensor, step: Step, cache: Cache) -> Tensor:
        qkv = self.c_attn(self.ln_1(x, step.rows), step.rows)
        x = self.out(self.attend(qkv, step, cache), step.rows, into=x)
        inner = activate(self.activation, self.c_fc(self.ln_2(x, step.rows), step.rows))
        return self.c_proj(inner, step.rows, into=x)


def _epsilon(config: Mapping[str, Any]) -> float:
    return positive(config, "layer_norm_epsilon", 1e-5)
