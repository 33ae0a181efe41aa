"""`train`: our default way to tune, products in bf16, against transformers' Trainer with peft in fp32."""

from __future__ import annotations

from astrarium.bench.bench import OURS, Bench, Setting, Verdict
from astrarium.bench.decoding import RATE, figure
from astrarium.bench.machine import Rates, by_round
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar
from astrarium.bench.tuning import TRAINER, contestants, flop_a_token


def judge(standing: Standing, rates: Rates, peer: str = TRAINER) -> Verdict:
    """Our rate against the Trainer's, and in useful FLOP against the machine's matrix rate."""
    ours = figure(standing, OURS, RATE)
    reached = [rate * flop_a_token() for rate in standing.played[OURS].all(RATE)]
    ratios = {"matmul": by_round(reached, rates.matrices)}
    peers = {}
    if TRAINER in standing.played:
        peers[peer] = figure(standing, TRAINER, RATE)
        ratios[peer] = ours.value / peers[peer].value
    return Verdict(ours, ratios, peers, {"tokens_per_s": rates.matrix / flop_a_token()})


def _contestants(setting: Setting) -> list[Contestant]:
    return contestants(setting, "bf16", "fp32")


BENCH = Bench(
    name="train",
    line="tuning LoRA on the default, bf16, against transformers' Trainer + peft in fp32 (one of the two is the bar)",
    unit="tokens/s",
    steady=RATE,
    bars=(Bar("trainer", 3), Bar("matmul", 0.6)),
    contestants=_contestants,
    judge=judge,
)
