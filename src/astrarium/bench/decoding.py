"""What the benches of decoding share: the work, and the ratio of our rate to each peer's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astrarium.bench.bench import OURS, PROMPT, Setting, Verdict, prompts
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Standing
from astrarium.bench.result import Figure

RATE = "tokens_per_s"


def decode(setting: Setting, base: str, rows: int = 1, **more: Any) -> dict[str, Any]:
    """The work of decoding: every row its own prompt of 64 tokens, 65 greedy tokens that are forced."""
    return {"base": base, "prompts": prompts(rows, PROMPT), "new": setting.new, **more}


def by_rate(standing: Standing, rates: Rates) -> Verdict:
    """More tokens a second is better."""
    ours = figure(standing, OURS, RATE)
    peers = figures_of_peers(standing, RATE)
    return Verdict(ours, {name: ours.value / peer.value for name, peer in peers.items()}, peers)


def figure(standing: Standing, name: str, key: str) -> Figure:
    """The median of a contestant's figure, with its weight format."""
    played = standing.played[name]
    return Figure(played.median(key), played.format)


def figures_of_peers(standing: Standing, key: str) -> Mapping[str, Figure]:
    """The same for everybody but us."""
    return {name: figure(standing, name, key) for name in standing.played if not name.startswith(OURS)}
