"""How much of a prompt is read beside requests that decode, so that they are not held up."""

from __future__ import annotations

_SHARE = 0.7
"""A step with a piece of a prompt takes at most so much longer than one without, as far as was measured."""
_LEAST, _MOST = 2, 512
_FIRST = 8  # before anything is measured
_MEMORY = 0.8


class Pace:
    """Learns what a step takes, and what a token of a prompt adds to it."""

    def __init__(self) -> None:
        self._alone: dict[int, float] = {}  # decoding rows → seconds
        self._token = 0.0

    def note(self, counts: list[int], seconds: float) -> None:
        """A step took so long, with so many tokens of each request."""
        rows = sum(count == 1 for count in counts)
        more = sum(counts) - rows
        if not more:
            self._alone[rows] = _mixed(self._alone.get(rows, 0.0), seconds)
        elif rows and (alone := self._alone.get(rows)):
            self._token = _mixed(self._token, max(seconds - alone, 0.0) / more)

    def chunk(self, rows: int) -> int:
        """How many tokens of prompts to read beside so many decoding rows."""
        alone = self._alone.get(rows)
        if not alone or not self._token:
            return _FIRST
        fitting = int(_SHARE * alone / self._token)
        return max(_LEAST, min(_MOST, fitting))


def _mixed(old: float, new: float) -> float:
    return new if old == 0 else _MEMORY * old + (1 - _MEMORY) * new
