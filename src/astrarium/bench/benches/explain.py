"""`explain`: precision and recall of the findings on scripts that are known, and seconds for one of 500 lines."""

from __future__ import annotations

from astrarium.bench.bench import OURS, Bench, Setting, Verdict
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar, Figure


def _contestants(setting: Setting) -> list[Contestant]:
    folder = None if setting.peers is None else str(setting.peers.parent / "explain")
    how = {} if folder else {"unavailable": "the scripts are not part of the package; run it from a checkout"}
    return [setting.ours("explain", {"folder": folder}, **how)]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    ours = standing.played[OURS]
    ratios = {name: ours.median(name) for name in ("precision", "recall", "seconds")}
    return Verdict(Figure(ratios["seconds"], "command"), ratios)


BENCH = Bench(
    name="explain",
    line="findings on scripts whose findings are known, and the whole command on a script of 500 lines",
    unit="s",
    steady="seconds",
    bars=(Bar("precision", 0.95), Bar("recall", 0.9), Bar("seconds", 1, at_most=True, unit="s")),
    contestants=_contestants,
    judge=_judge,
)
