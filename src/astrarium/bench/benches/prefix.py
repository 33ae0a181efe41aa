"""`prefix`: the second of two requests to the default that begin with the same 1,000 tokens."""

from __future__ import annotations

from astrarium.bench.bases import DEFAULT
from astrarium.bench.bench import IDS, OURS, Bench, Setting, Verdict
from astrarium.bench.decoding import figure
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar

_COMMON = 1000


def _contestants(setting: Setting) -> list[Contestant]:
    return [setting.ours("prefix", {"base": DEFAULT, "common": _COMMON, "ids": list(IDS)})]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    ours = standing.played[OURS]
    first = ours.median("first_s")
    ratios = {"first-token": ours.median("second_s") / first}
    return Verdict(figure(standing, OURS, "second_s"), ratios, ceiling={"first_s": first})


BENCH = Bench(
    name="prefix",
    line="time to the first token of a second request with the same 1,000-token beginning, against the first's",
    unit="s",
    steady="first_s",
    bars=(Bar("first-token", 0.2, at_most=True),),
    contestants=_contestants,
    judge=_judge,
)
