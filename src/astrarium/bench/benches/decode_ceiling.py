"""`decode-ceiling`: the bytes of weights that decoding reads, against what the machine can read."""

from __future__ import annotations

from statistics import median

from astrarium.bench.bases import starcoder_1b
from astrarium.bench.bench import OURS, Bench, Setting, Verdict
from astrarium.bench.decoding import RATE, decode, figure
from astrarium.bench.machine import Rates, by_round
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar
from astrarium.bench.shapes import STARCODER_1B, config_of
from astrarium.families import family_of

_BYTES = {"int8": 1.0, "int4": 0.5}  # a weight, without scales


def _contestants(setting: Setting) -> list[Contestant]:
    work = decode(setting, starcoder_1b(setting))
    return [setting.ours("decode", {**work, "format": form}, name=f"{OURS} {form}") for form in _BYTES]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    config = config_of(STARCODER_1B)
    weights = sum(linear.inputs * linear.outputs for linear in family_of(config).linears(config))
    figures = {form: figure(standing, f"{OURS} {form}", RATE) for form in _BYTES}
    rounds = {form: standing.played[f"{OURS} {form}"].all(RATE) for form in _BYTES}
    most = {form: [read / (weights * each) for read in rates.reads] for form, each in _BYTES.items()}
    return Verdict(
        ours=max(figures.values(), key=lambda one: one.value),
        ratios={f"read-rate-{form}": by_round(rounds[form], most[form]) for form in _BYTES},
        ceiling={f"tokens_per_s_{form}": median(most[form]) for form in _BYTES},
    )


BENCH = Bench(
    name="decode-ceiling",
    line="weights read in decoding the 1B shape, in int8 and int4, against the machine's read rate",
    unit="tokens/s",
    steady=RATE,
    bars=(Bar("read-rate-int8", 0.7), Bar("read-rate-int4", 0.6)),
    contestants=_contestants,
    judge=_judge,
)
