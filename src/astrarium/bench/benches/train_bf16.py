"""`train-bf16`: tuning with the base in bf16 on both sides."""

from __future__ import annotations

from astrarium.bench.bench import Bench, Setting, Verdict
from astrarium.bench.benches import train
from astrarium.bench.decoding import RATE
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar
from astrarium.bench.tuning import contestants


def _contestants(setting: Setting) -> list[Contestant]:
    return contestants(setting, "bf16")


def _judge(standing: Standing, rates: Rates) -> Verdict:
    return train.judge(standing, rates, "trainer-bf16")


BENCH = Bench(
    name="train-bf16",
    line="tuning LoRA on the default, against transformers' Trainer + peft, both in bf16 (one of the two is the bar)",
    unit="tokens/s",
    steady=RATE,
    bars=(Bar("trainer-bf16", 2), Bar("matmul", 0.6)),
    contestants=_contestants,
    judge=_judge,
)
