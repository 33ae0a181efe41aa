"""How much of a prompt is read beside requests that decode, so that they are not held up."""

from __future__ import annotations

_SHARE = 0.7
"""A step with a piece of a prompt takes at most so much longer than one without, as far as was measured."""
_LEAST, _MOST = 16, 256
_FIRST = 32  # before anything is measured
_GROWS = 2  # from piece to piece
_MEMORY = 0.8


class Pace:
    """Learns what a decoding step takes, and what a token takes in one block of the network."""

    def __init__(self) -> None:
        self._alone: dict[int, float] = {}  # decoding rows → seconds
        self._token = 0.0  # seconds of a token in a block, in pieces of the last size
        self._last = _FIRST / _GROWS

    def decoded(self, rows: int, seconds: float) -> None:
        """Decoding so many rows took so long."""
        self._alone[rows] = _mixed(self._alone.get(rows, 0.0), seconds)

    def read(self, tokens: int, seconds: float) -> None:
        """One block took so long for so many tokens."""
        self._token = _mixed(self._token, seconds / tokens) if tokens == self._last else seconds / tokens
        self._last = tokens

    def budget(self, rows: int) -> float:
        """Seconds that reading may take beside so many decoding rows."""
        return _SHARE * self._alone.get(rows, 0.0)

    def chunk(self, rows: int) -> int:
        """How many tokens to read at a time beside so many decoding rows: of them a block takes as long as may be."""
        if not self._token:
            return _FIRST
        fitting = min(self.budget(rows) / self._token, _GROWS * self._last)
        return max(_LEAST, min(_MOST, int(fitting)))

    def block(self, tokens: int) -> float:
        """Seconds that a block is expected to take for so many tokens."""
        return self._token * tokens


def _mixed(old: float, new: float) -> float:
    return new if old == 0 else _MEMORY * old + (1 - _MEMORY) * new
