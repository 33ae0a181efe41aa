"""int4 with a short text read on the way: what each linear sees tells which of its weights matter.

One forward pass over the text rounds the model. When a linear's turn comes, the weights before it have been rounded
already; it takes the mean square of each of its inputs, rounds its own weights with it, and goes on with the result.
So only one layer at a time is held unrounded. Source of the idea: importance matrices, as in llama.cpp's `imatrix`.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from astrarium.core.errors import AstrariumError, EngineError
from astrarium.engine import networks
from astrarium.engine.cache import Cache, pages_for
from astrarium.engine.families.network import Network
from astrarium.engine.formats.layers import HeldLinear, QuantisedLinear
from astrarium.engine.formats.rounding import int4
from astrarium.engine.step import Segment, Step
from astrarium.engine.weights import Weights
from astrarium.families import family_of

if TYPE_CHECKING:
    from astrarium.sources.tokenizer import Tokenizer

TEXTS, TOKENS = 8, 256
_PACKAGES = ("asyncio", "concurrent", "email", "http", "importlib", "json", "logging", "unittest", "urllib", "xml")
"""Packages of the standard library whose files are read. `bench quality` judges on other files."""
_LEAST_BYTES = 8 * TOKENS
_FLOOR = 1e-4
"""Of the mean: what an input that the text never stirs weighs still."""


class Unrounded(HeldLinear):
    """A linear whose weight is read and rounded when its first input comes."""

    apart = True

    def __init__(self, path: str, outputs: int, inputs: int, read: Callable[[], Tensor]) -> None:
        """`read` gives the weight `[outputs, inputs]`."""
        super().__init__(outputs, inputs, None)
        self.path, self.read = path, read
        self.take: Callable[[Unrounded, Tensor], HeldLinear] | None = None

    @property
    def device(self) -> torch.device:
        """Where it is rounded."""
        return torch.device("cpu")

    @property
    def nbytes(self) -> int:
        """Nothing: it is read from its file."""
        return 0

    def product(self, x: Tensor, *, read: bool = False) -> Tensor:
        """Round, and go on with what was rounded."""
        assert self.take is not None
        return self.take(self, x).product(x, read=read)


def texts(tokenizer: Tokenizer, context: int) -> list[list[int]]:
    """Texts for `calibrate`: beginnings of files of this Python's standard library.

    Args:
        tokenizer: the base's.
        context: the most tokens that the base takes.
    """
    library = Path(sysconfig.get_path("stdlib"))
    files = [file for package in _PACKAGES for file in sorted((library / package).glob("*.py"))]
    files = [file for file in files if file.stat().st_size >= _LEAST_BYTES]
    most = min(TOKENS, context)
    every = max(1, len(files) // TEXTS)
    return [tokenizer.encode(_beginning(file))[:most] for file in files[::every][:TEXTS]]


def _beginning(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")[:_LEAST_BYTES]


def texts_for(config: Mapping[str, Any], tokenizer: Callable[[], Tokenizer]) -> tuple[list[list[int]], str]:
    """Texts for a base, or none and the reason in a few words."""
    family = family_of(config)
    try:
        found = [text for text in texts(tokenizer(), family.context(config)) if text]
    except (AstrariumError, OSError) as error:
        return [], f"no text to read ({error})"
    if not found:
        return [], "this Python's standard library has no files of source to read"
    if max(map(max, found)) >= family.linears(config)[-1].outputs:
        return [], "the tokenizer gives ids that the base does not know"
    return found, ""


@torch.inference_mode()
def calibrate(
    config: Mapping[str, Any],
    weights: Weights,
    read: Sequence[Sequence[int]],
    name: str,
    keep: Callable[[str, HeldLinear], HeldLinear] = lambda path, layer: layer,
) -> None:
    """Round what is `Unrounded` in some weights, and put the result in its place.

    Args:
        config: content of the base's `config.json`.
        weights: its weights.
        read: texts as ids, for the forward pass; empty: all inputs weigh alike.
        name: the base's, for messages.
        keep: as for `weights.hold`.

    Raises:
        EngineError: a weight is not finite.
    """
    waiting = {path: layer for path, layer in weights.linears.items() if isinstance(layer, Unrounded)}
    done: dict[str, HeldLinear] = {}
    blind: list[str] = []

    def take(layer: Unrounded, x: Tensor | None) -> HeldLinear:
        importance = None if x is None else _importance(x)
        if importance is None:
            blind.append(layer.path)
        try:
            panels = int4(layer.read(), importance)
        except EngineError as error:
            raise EngineError(f"{name}: tensor {layer.path}.weight: {error}") from error
        rounded = keep(layer.path, QuantisedLinear(panels))
        if layer.bias is not None:
            rounded.bias = nn.Parameter(layer.bias.detach(), requires_grad=False)
        done[layer.path] = rounded
        return rounded

    for layer in waiting.values():
        layer.take = take
    if read and waiting:
        _forward(networks.build(config, weights), read)
    for path, layer in waiting.items():
        weights.linears[path] = done[path] if path in done else take(layer, None)
    if blind and read:
        weights.notes.append(
            f"{name}: {len(blind)} layers see numbers that are not finite; their int4 is rounded without regard to them"
        )


def _forward(network: Network, read: Sequence[Sequence[int]]) -> None:
    """All texts in one pass, so that each linear is met once."""
    needed = [pages_for(len(text)) for text in read]
    cache = Cache(network.cache_shape(torch.bfloat16), sum(needed))
    pairs = zip(read, needed, strict=True)
    network(Step([Segment(tuple(text), 0, cache.take(count), None) for text, count in pairs], read=True), cache)


def _importance(x: Tensor) -> Tensor | None:
    """The mean square of each input over `[tokens, inputs]`, in parts of their mean; None where it is not finite."""
    squares = x.square().mean(0)
    mean = squares.mean()
    if not torch.isfinite(mean):
        return None
    return torch.ones_like(squares) if mean == 0 else (squares / mean).clamp_(min=_FLOOR)
