"""`loss`: the loss curves of our training and the Trainer's, both in fp32, over fifty steps of the same rows."""

from __future__ import annotations

from astrarium.bench.bench import OURS, Bench, Setting, Verdict
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar, Figure
from astrarium.bench.tuning import TRAINER, contestants

_STEPS = 50
_LAST = "loss_3"  # of the shortest curve, that of --quick


def _contestants(setting: Setting) -> list[Contestant]:
    # A rate at which the loss moves.
    return contestants(setting, "fp32", steps=_STEPS, learning_rate=5e-4)


def _judge(standing: Standing, rates: Rates) -> Verdict:
    curves = {name: played.rounds[0] for name, played in standing.played.items()}
    ours = curves[OURS]
    steps = [key for key in ours if key.startswith("loss_")]
    ratios, peers = {}, {}
    if TRAINER in curves:
        ratios["difference"] = max(abs(ours[key] - curves[TRAINER][key]) for key in steps)
        peers[TRAINER] = Figure(curves[TRAINER][steps[-1]], standing.played[TRAINER].format)
    return Verdict(Figure(ours[steps[-1]], standing.played[OURS].format), ratios, peers)


BENCH = Bench(
    name="loss",
    line="the largest difference of our loss curve from the Trainer's in fp32 over fifty steps of the same rows",
    unit="loss at the last step",
    steady=_LAST,
    bars=(Bar("difference", 1e-3, at_most=True),),
    contestants=_contestants,
    judge=_judge,
    repeated=False,
)
