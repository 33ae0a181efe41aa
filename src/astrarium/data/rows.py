"""A row, a list of rows with an account of what was left out, and rows on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from astrarium.core.digests import digest_rows
from astrarium.core.files import atomic_open


class Row(TypedDict):
    """One thing to learn: a prompt, the completion that should follow it, and where it comes from."""

    prompt: str
    completion: str
    source: str


@dataclass(slots=True)
class Report:
    """What was looked at, and why some of it was left out."""

    looked_at: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason → how many."""
    unreadable: list[str] = field(default_factory=list)
    """Files that could not be read, with the reason."""

    def drop(self, reason: str) -> None:
        """Count one that is left out."""
        self.dropped[reason] += 1

    def summary(self) -> str:
        """In one line."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.most_common())
        return f"{self.looked_at} looked at, {self.kept} kept" + (f"; left out: {reasons}" if reasons else "")

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "looked_at": self.looked_at,
            "kept": self.kept,
            "dropped": dict(self.dropped.most_common()),
            "unreadable": self.unreadable,
        }


class Rows(list[Row]):
    """Rows, with a report of how they came about."""

    def __init__(self, rows: Iterable[Row] = (), report: Report | None = None) -> None:
        super().__init__(rows)
        self.report = report or Report(looked_at=len(self), kept=len(self))


def digest(rows: Sequence[Row]) -> str:
    """A digest of rows in their order."""
    return digest_rows(rows)


def write_rows(path: str | Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON lines, atomically."""
    with atomic_open(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
