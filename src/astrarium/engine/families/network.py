"""What the forward passes of all families share: embeddings, the last norm, the output head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from astrarium.engine.cache import Cache, Shape
from astrarium.engine.formats.layers import HeldLinear
from astrarium.engine.linears import Linears
from astrarium.engine.native import current, kernels
from astrarium.engine.norms import LayerNorm, RMSNorm
from astrarium.engine.recording import Recordings
from astrarium.engine.step import Step, rows_of
from astrarium.engine.weights import Weights


class Network(nn.Module):
    """A causal language model whose linears are held in a weight format."""

    embedding_path: str
    blocks: nn.ModuleList
    """The layers: `block(x, step, cache)` takes `[tokens, hidden]`, which it may write to, and gives the next's. It may
    depend on the step's values through attention alone: what it does is recorded and done again."""
    last_norm: RMSNorm | LayerNorm
    head: Linears

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        super().__init__()
        self.config, self._weights = config, weights
        self._recordings = Recordings()

    def linears(self, *paths: str) -> Linears:
        """Linears that see the same input."""
        return Linears([self._weights.linear(path) for path in paths], paths)

    def rms_norm(self, path: str, epsilon: float) -> RMSNorm:
        """A norm without bias."""
        return RMSNorm(path, self._weights.vector(f"{path}.weight"), None, epsilon)

    def layer_norm(self, path: str, epsilon: float) -> LayerNorm:
        """A norm with bias."""
        weight, bias = (self._weights.vector(f"{path}.{kind}") for kind in ("weight", "bias"))
        return LayerNorm(path, weight, bias, epsilon)

    def table(self, path: str) -> HeldLinear:
        """An embedding: rows by id."""
        return self._weights.linear(path)

    def cache_shape(self, dtype: torch.dtype) -> Shape:
        """What a cache for this model is made of."""
        raise NotImplementedError

    @torch.inference_mode()
    def forward(self, step: Step, cache: Cache) -> Tensor:
        """The logits of the step's wanted tokens, fp32 `[wanted, vocabulary]`; good until the next step."""
        kernels()
        step.open(cache)
        return self._recordings.run(self._through, self.embedded(step), step, cache)

    def _through(self, x: Tensor, step: Step, cache: Cache) -> Tensor:
        for block in self.blocks:
            x = block(x, step, cache)
        return self.logits(x, step)

    def logits(self, x: Tensor, step: Step) -> Tensor:
        """What the last block gives, `[tokens, hidden]` → the wanted tokens' logits."""
        if step.wanted is not None:
            x = x[step.wanted]
        return self.head(self.last_norm(x, step.chosen), step.chosen)

    def embedded(self, step: Step) -> Tensor:
        """The tokens' embeddings, `[tokens, hidden]`."""
        x = self.looked_up(self.embedding_path, self.embedding, step.ids(), step)
        for row, own in step.virtual():
            x[row] = own
        return x

    @property
    def reads_apart(self) -> bool:
        """Whether tokens of prompts have products of their own, so that the last bits depend on which a token is."""
        module = current() if self.device.type == "cpu" else None
        return module is not None and self._weights.held not in ("fp32", "bf16") and bool(module.reads_apart())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._weights.device

    @property
    def embedding(self) -> HeldLinear:
        """The token embedding."""
        return self._weights.linear(self.embedding_path)

    def held(self, path: str) -> HeldLinear:
        """A linear or an embedding of the base by its module path."""
        return self._weights.linear(path)

    def looked_up(self, path: str, table: HeldLinear, ids: Tensor, step: Step) -> Tensor:
        """Rows of an embedding, of each row's own where its adapter has one: `[tokens]` → fp32 `[tokens, hidden]`."""
        x = table.rows(ids)
        for row, count, own in step.rows.replacing(path):
            x[row : row + count] = own["weight"][ids[row : row + count]]
        return x

    def all_linears(self) -> list[Linears]:
        """Every group of linears."""
        return [module for module in self.modules() if isinstance(module, Linears)]

    def forget_layouts(self) -> None:
        """An adapter has left: let go of what was put together with it."""
        rows_of.cache_clear()
        self._recordings.forget()
        for linears in self.all_linears():
            linears.forget()
