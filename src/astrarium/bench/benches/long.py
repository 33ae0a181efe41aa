"""`long`: a token's time at position 8,000 of the 1B shape against one's at position 100."""

from __future__ import annotations

from astrarium.bench.bases import starcoder_1b
from astrarium.bench.bench import OURS, Bench, Setting, Verdict, prompts
from astrarium.bench.decoding import figure
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar

_NEAR, _FAR, _STEPS = 95, 7990, 10


def _contestants(setting: Setting) -> list[Contestant]:
    work = {"near": prompts(1, _NEAR)[0], "far": prompts(1, _FAR)[0], "steps": _STEPS}
    return [setting.ours("long", {"base": starcoder_1b(setting), **work})]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    ours = standing.played[OURS]
    near = ours.median("near")
    return Verdict(figure(standing, OURS, "far"), {"token-8000": ours.median("far") / near}, ceiling={"near_s": near})


BENCH = Bench(
    name="long",
    line="a token's time at position 8,000 of the 1B shape, against one's at 100",
    unit="s",
    steady="far",
    bars=(Bar("token-8000", 1.5, at_most=True),),
    contestants=_contestants,
    judge=_judge,
)
