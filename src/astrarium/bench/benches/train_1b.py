"""`train-1b`: the Parallel recipe on StarCoderBase-1B's shape, sequences of 1,024 tokens: what it takes of memory."""

from __future__ import annotations

from astrarium.bench.adapters import random_adapter
from astrarium.bench.bases import starcoder_1b
from astrarium.bench.bench import OURS, Bench, Setting, Verdict, prompts
from astrarium.bench.decoding import RATE, figure
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar
from astrarium.bench.shapes import STARCODER_1B, config_of
from astrarium.bench.tuning import train_ours

_LENGTH, _STEPS = 1024, 3


def _contestants(setting: Setting) -> list[Contestant]:
    base, config = starcoder_1b(setting), config_of(STARCODER_1B)
    adapter = random_adapter(setting.cache / "adapters" / "1b-parallel", "parallel", base, config, seed=0)
    work = {
        "base": base,
        "adapter": str(adapter),
        "rows": prompts(_STEPS, _LENGTH),
        "batch": 1,
        "steps": _STEPS,
        "warm_up": 1,
        "learning_rate": 1e-4,
        "dtype": "bf16",
    }
    return [train_ours(work)]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    taken = max(standing.played[OURS].all("memory_bytes")) / 2**30
    return Verdict(figure(standing, OURS, RATE), {"memory": taken})


BENCH = Bench(
    name="train-1b",
    line="the Parallel recipe on the 1B shape, sequences of 1,024 tokens, in bf16: GiB that it takes",
    unit="tokens/s",
    steady=RATE,
    bars=(Bar("memory", 6, at_most=True, unit="GiB"),),
    contestants=_contestants,
    judge=_judge,
    repeated=False,
)
