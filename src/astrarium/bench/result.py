"""A bench's result: one JSON object, or a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """What a contestant reached, and in which weight format."""

    value: float
    format: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"value": self.value, "format": self.format}


@dataclass(frozen=True, slots=True)
class Bar:
    """What one figure of a bench has to reach."""

    name: str
    limit: float
    at_most: bool = False
    """Whether the plain figure has to stay below the limit, rather than a ratio above it."""
    unit: str = ""
    """Of the figure; empty for ratios."""

    def reached(self, value: float) -> bool:
        """Whether it is."""
        return value <= self.limit if self.at_most else value >= self.limit


@dataclass(frozen=True, slots=True)
class Result:
    """What one bench found on this machine."""

    bench: str
    unit: str
    ours: Figure
    peers: Mapping[str, Figure]
    ratios: Mapping[str, float]
    """1 or more means that we are better; for bars with `at_most` the plain figure."""
    ceiling: Mapping[str, float]
    rounds: int
    noisy: bool
    machine: Mapping[str, Any]
    missing_peers: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "bench": self.bench,
            "unit": self.unit,
            "ours": self.ours.to_dict(),
            "peers": {name: figure.to_dict() for name, figure in self.peers.items()},
            "ratios": dict(self.ratios),
            "ceiling": dict(self.ceiling),
            "rounds": self.rounds,
            "noisy": self.noisy,
            "machine": dict(self.machine),
            "missing_peers": list(self.missing_peers),
        }

    def table(self) -> Table:
        """As a table for people."""
        from rich.table import Table

        shown = Table(title=f"{self.bench}, {self.unit}" + ("  (noisy)" if self.noisy else ""), show_header=False)
        for name, figure in (("astrarium", self.ours), *self.peers.items()):
            shown.add_row(name, _number(figure.value), figure.format, style="bold" if figure is self.ours else None)
        for name in self.missing_peers:
            shown.add_row(name, "missing", "", style="dim")
        shown.add_section()
        bars = {bar.name: bar for bar in self.bars}
        for name, value in self.ratios.items():
            told, unit = (_told(bars[name], value), bars[name].unit) if name in bars else ("", "")
            shown.add_row(name, f"{_number(value)} {unit}".rstrip(), told)
        shown.add_section()
        for name, value in self.ceiling.items():
            shown.add_row(name, _number(value), "", style="dim")
        return shown


def _told(bar: Bar, value: float) -> str:
    kind = "at most" if bar.at_most else "at least"
    return f"{kind} {bar.limit:g}: " + ("reached" if bar.reached(value) else "not reached")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
