"""`stall`: seven rows decode on the 1B shape while a prompt of 4,000 tokens joins: the gaps between their tokens."""

from __future__ import annotations

from astrarium.bench.bases import starcoder_1b
from astrarium.bench.bench import IDS, OURS, PROMPT, Bench, Setting, Verdict, prompts
from astrarium.bench.decoding import figure
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar

_ROWS, _NEW, _JOINING, _QUICK_JOINING = 7, 2000, 4000, 1000


def _contestants(setting: Setting) -> list[Contestant]:
    joining = _QUICK_JOINING if setting.quick else _JOINING
    work = {"prompts": prompts(_ROWS, PROMPT), "new": _NEW, "joining": joining, "ids": list(IDS)}
    return [setting.ours("stall", {"base": starcoder_1b(setting), **work})]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    ours = standing.played[OURS]
    alone = ours.median("alone_s")
    return Verdict(
        figure(standing, OURS, "joined_s"), {"gap": ours.median("joined_s") / alone}, ceiling={"alone_s": alone}
    )


BENCH = Bench(
    name="stall",
    line="seven rows decoding on the 1B shape while a prompt of 4,000 tokens joins (--quick: 1,000): p95 of the gaps",
    unit="s",
    steady="joined_s",
    bars=(Bar("gap", 2, at_most=True),),
    contestants=_contestants,
    judge=_judge,
)
