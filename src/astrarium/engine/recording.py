"""Steps of the same shape do the same work: it is recorded once, kernel by kernel, and then done in one call.

A step of the embedded default has some two hundred operations. Called one by one from Python, each wakes the threads
anew, and what lies between them takes longer than to read the weights.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from astrarium.engine.cache import Cache
from astrarium.engine.native import current
from astrarium.engine.step import Rows, Step

_MOST_ROWS = 16  # more rows take so long that the calls do not count
_REMEMBERED = 4
_NEW = (torch.empty, torch.empty_like)
_LOOKS = (Tensor.data_ptr, Tensor.numel, Tensor.__len__, Tensor.shape.__get__, Tensor.device.__get__)  # type: ignore[attr-defined]

Pass = Callable[[Tensor, Step, Cache], Tensor]


@dataclass(slots=True)
class _Recorded:
    """The work of one shape of steps."""

    native: Any
    steps: list[tuple[int, int, int]]
    """What its attention takes steps for, in the order in which it was met."""
    x: Tensor
    y: Tensor
    memory: list[Tensor]


@dataclass(slots=True)
class Recordings:
    """A network's way from embeddings to logits, recorded for decoding steps that come again."""

    _found: OrderedDict[tuple[Rows, int, Cache], _Recorded | None] = field(default_factory=OrderedDict)
    _last: tuple[Rows, int, Cache] | None = None

    def run(self, whole: Pass, x: Tensor, step: Step, cache: Cache) -> Tensor:
        """`whole(x, step, cache)`, fp32 `[tokens, …]`, good until the next step."""
        if not 0 < step.tokens == len(step.segments) <= _MOST_ROWS or x.device.type != "cpu" or current() is None:
            return whole(x, step, cache)
        key = step.rows, step.tokens, cache
        comes_again, self._last = key == self._last, key
        if key in self._found:
            self._found.move_to_end(key)
        elif comes_again:
            recorded = _recorded(whole, x, step, cache)
            self._found[key] = recorded
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
            if recorded is not None:
                return recorded.y
        found = self._found.get(key)
        if found is None:
            return whole(x, step, cache)
        found.x.copy_(x)
        found.native.run([step.native(*which) for which in found.steps])
        return found.y

    def forget(self) -> None:
        """Let go of everything: an adapter has left."""
        self._found.clear()
        self._last = None


def _recorded(whole: Pass, x: Tensor, step: Step, cache: Cache) -> _Recorded | None:
    module = current()
    assert module is not None
    native, mode, x = module.Programme(), _Watched(), x.clone()
    try:
        native.begin()
        with mode:
            y = whole(x, step, cache)
    finally:
        native.end()
    if mode.unknown:
        return None
    return _Recorded(native, step.native_kinds, x, y, mode.memory)


class _Watched(TorchFunctionMode):
    """Gives new memory out of its own, which stays, and sees whether torch computes anything: that is not recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.unknown = False
        self.memory: list[Tensor] = []
        self._free: list[Tensor] = []
        self._given: list[weakref.ref[Tensor]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if func in _NEW:
            return self._own(made)
        self.unknown |= func not in _LOOKS
        return made

    def _own(self, like: Tensor) -> Tensor:
        """A tensor in memory that is used again when the tensor is gone."""
        size = like.nbytes
        fitting = [block for block in self._free if block.nbytes >= size]
        if fitting:
            block = min(fitting, key=lambda block: block.nbytes)
            self._free = [other for other in self._free if other is not block]
        else:
            block = torch.empty(size, dtype=torch.uint8, device="cpu")
            self.memory.append(block)
        own = block[:size].view(like.dtype).view(like.shape)
        self._given.append(weakref.ref(own, lambda _: self._free.append(block)))
        return own
