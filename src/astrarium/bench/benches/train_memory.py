"""`train-memory`: the peak of memory of the same training in fp32, above that after the imports."""

from __future__ import annotations

from astrarium.bench.bench import OURS, Bench, Setting, Verdict
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar, Figure
from astrarium.bench.tuning import TRAINER, contestants

_BYTES = "memory_bytes"


def _contestants(setting: Setting) -> list[Contestant]:
    # The peak is there after a few steps, and is the same in each.
    return contestants(setting, "fp32", steps=4)


def _judge(standing: Standing, rates: Rates) -> Verdict:
    used = {name: Figure(played.median(_BYTES) / 2**30, played.format) for name, played in standing.played.items()}
    ours = used.pop(OURS)
    ratios = {"memory": ours.value / used[TRAINER].value} if TRAINER in used else {}
    return Verdict(ours, ratios, used)


BENCH = Bench(
    name="train-memory",
    line="the peak memory of tuning LoRA on the default in fp32, against transformers' Trainer + peft",
    unit="GiB",
    steady=_BYTES,
    bars=(Bar("memory", 0.5, at_most=True),),
    contestants=_contestants,
    judge=_judge,
)
