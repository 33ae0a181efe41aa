"""Which sequences a step sees, by the seed and the step alone: a step number is a place in the data."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Feed(Generic[T]):
    """Goes through the items again and again, each time in another order."""

    def __init__(self, items: Sequence[T], seed: int, per_step: int, *, in_order: bool = False) -> None:
        self._in_order = in_order
        self._items, self._seed, self._per_step = items, seed, per_step
        self._epoch, self._order = -1, list(range(len(items)))

    def step(self, step: int) -> list[T]:
        """The items of a step.

        Args:
            step: from 1.
        """
        first = (step - 1) * self._per_step
        return [self._at(number) for number in range(first, first + self._per_step)]

    def _at(self, number: int) -> T:
        epoch, place = divmod(number, len(self._items))
        if epoch != self._epoch:
            self._order = list(range(len(self._items)))
            if not self._in_order:
                random.Random(f"{self._seed} {epoch}").shuffle(self._order)
            self._epoch = epoch
        return self._items[self._order[place]]


def draw_seed(seed: int, step: int, number: int) -> int:
    """The seed of what is drawn (dropout) in one sequence of a step, whichever process computes it."""
    return random.Random(f"{seed} {step} {number}").getrandbits(63)
