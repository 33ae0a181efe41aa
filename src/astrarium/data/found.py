"""A function that was found in a file, whatever its language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoundFunction:
    """A function, ready to be judged."""

    name: str
    line: int
    """Of the file, counted from 1, where the function itself begins."""
    signature: str
    doc: str | None
    """Its documentation's first paragraph as one sentence, empty where it has no prose; None without documentation."""
    lines: int
    """Without the documentation, its signature included."""
    cut: Callable[[], str | None]
    """Gives the whole of it without its indentation; None where it does not stand alone. Only asked of few."""
    body: Callable[[], str]
    """Gives a digest of what it does: two functions with one body have the same."""
    noun: str = "function"
    method: bool = False
    """It needs its class."""
    test: bool = False
    trivial: bool = False
    """It does nothing, gives something back as it is, or is a stub."""
    whole: bool = True
    """False where its own text does not parse."""
