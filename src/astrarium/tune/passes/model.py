"""`Passes`: a model's loss over packed rows, by passes of our own."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from astrarium.engine.native import kernels
from astrarium.tune.packing import Flat
from astrarium.tune.passes.arena import Arena, keeping
from astrarium.tune.passes.attention import Layout, turning
from astrarium.tune.passes.head import head_losses
from astrarium.tune.passes.networks import network_of
from astrarium.tune.passes.norms import norm
from astrarium.tune.passes.sites import is_known


class Passes(nn.Module):
    """The training pass of a model."""

    def __init__(self, model: nn.Module, dtype: torch.dtype, recompute: float = 0.0) -> None:
        """Wrap a model; nothing in it is changed.

        Args:
            model: a causal model of transformers, or a peft model around one.
            dtype: of products and activations: fp32 or bf16. The residual stream, norms and the loss are fp32.
            recompute: share of the blocks that keep only their input, and are computed again backward.

        Raises:
            ValueError: `why_not(model)` has a reason.
        """
        super().__init__()
        self.model, self.dtype, self.recompute = model, dtype, recompute
        found = network_of(_causal(model))
        if isinstance(found, str):
            raise ValueError(found)
        self._network = [found]  # in a list, so that torch does not list its modules twice
        self._hooked = False
        self._arena = Arena()

    def shard_blocks(self) -> list[nn.Module]:
        """The blocks, which from now on are called as modules, so that what is hooked to them runs."""
        network = self._network[0]
        for layer in network.layers:
            layer.forward = partial(network.block, layer)
        self._hooked = True
        return network.layers

    def release(self) -> None:
        """Give the blocks their own forward back."""
        for layer in self._network[0].layers if self._hooked else ():
            del layer.forward
        self._hooked = False
        self.forget()

    def forget(self) -> None:
        """Give back the memory that is held for the next pass."""
        self._arena.clear()

    def forward(self, flat: Flat) -> tuple[Tensor, Tensor]:
        """The summed loss of the learned tokens, and each one's own `[learned]`, which has no gradient."""
        kernels()  # whatever follows asks for the current ones
        network = self._network[0]
        x, positions, starts, learned = self._embedded(flat)
        layout = Layout(starts)
        if network.rotary is not None:
            layout = Layout(starts, *turning(network.rotary, positions))
        recomputed = round(self.recompute * len(network.layers))
        lease = self._arena.lease() if torch.is_grad_enabled() else None
        for number, (layer, heads) in enumerate(zip(network.layers, network.heads, strict=True)):
            block: Any = layer if self._hooked else partial(network.block, layer)
            # A block that nothing is trained below has no backward pass, and keeps nothing anyway.
            learns = torch.is_grad_enabled() and (x.requires_grad or _trains(layer))
            if number < recomputed and learns:
                x = checkpoint(block, x, layout, self.dtype, heads, use_reentrant=False)
            else:
                with keeping(lease if learns else None):
                    x = block(x, layout, self.dtype, heads)
        n, _ = norm(network.last_norm, x[learned], self.dtype)
        loss, losses = head_losses(n, network.head, flat.targets)
        graph: Any = loss.grad_fn
        if graph is not None:
            graph.metadata["lease"] = lease  # which lives as long
        return loss, losses

    def _embedded(self, flat: Flat) -> tuple[Tensor, Tensor, tuple[int, ...], Tensor]:
        network = self._network[0]
        x = functional.embedding(flat.ids, network.embedding.weight).float()
        positions, starts, learned = flat.positions, flat.starts, flat.learned
        count = virtual_tokens(self.model)
        if count:
            owner: Any = self.model
            rows = len(starts) - 1
            prompts = owner.get_prompt(batch_size=rows).float()  # [rows, virtual, hidden]
            pieces, numbers = [], []
            for row in range(rows):
                pieces += [prompts[row], x[starts[row] : starts[row + 1]]]
                numbers.append(torch.arange(count + starts[row + 1] - starts[row]))
            x, positions = torch.cat(pieces), torch.cat(numbers)
            before = torch.searchsorted(torch.tensor(starts), learned, right=True)  # rows begun up to a token
            learned = learned + count * before
            starts = tuple(start + count * row for row, start in enumerate(starts))
        if network.positions is not None:
            x = x + functional.embedding(positions, network.positions.weight)
        return x, positions, starts, learned


def _trains(layer: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in layer.parameters())


def why_not(model: nn.Module) -> str:
    """Why a model cannot be trained by passes of our own; empty where it can."""
    causal = _causal(model)
    found = network_of(causal)
    if isinstance(found, str):
        return found
    for path, module in causal.named_modules():
        if isinstance(module, BaseTunerLayer) and not is_known(module):
            return (
                f"{path} is a {type(module).__module__}.{type(module).__name__}, which has no training pass of our own"
            )
    if isinstance(found.head, BaseTunerLayer) or isinstance(found.embedding, BaseTunerLayer):
        return "an adapter on the embedding or the output head has no training pass of our own"
    return ""


def virtual_tokens(model: nn.Module) -> int:
    """How many virtual tokens a prompt method puts before each row; 0 for every other model."""
    config = getattr(model, "active_peft_config", None)
    if config is None or getattr(model, "_adapters_disabled", False):
        return 0
    return int(getattr(config, "num_virtual_tokens", None) or 0)


def _causal(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model
