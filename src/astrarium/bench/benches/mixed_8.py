"""`mixed-8`: eight rows with eight adapters of six methods, against our own base and against peft with eight LoRAs."""

from __future__ import annotations

from statistics import median

from astrarium.bench.bases import DEFAULT, default_adapters, default_file
from astrarium.bench.bench import OURS, Bench, Setting, Verdict
from astrarium.bench.decoding import RATE, by_rate, decode
from astrarium.bench.machine import Rates, by_round
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar

_METHODS = ("adapterh", "adapterp", "parallel", "ia3", "ptuning", "lora", "lora", "lora")
_READS = 1.4
"""How many times the adapters may be read, in time, on top of our step without adapters."""


def _contestants(setting: Setting) -> list[Contestant]:
    mixed = default_adapters(setting, *_METHODS)
    loras = default_adapters(setting, *["lora"] * 8)
    work = decode(setting, str(default_file()), rows=8)
    return [
        setting.ours("mixed", {**work, "base": DEFAULT, "adapters": mixed, "rows": list(mixed)}),
        setting.peer("peft", "hf_peft", {**work, "adapters": loras}),
    ]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    verdict = by_rate(standing, rates)
    ours = standing.played[OURS]
    alone, extra, steps = (ours.all(name) for name in ("base_step_s", "adapter_bytes", "step_s"))
    bounds = [base + _READS * size / read for base, size, read in zip(alone, extra, rates.reads, strict=True)]
    ceiling = {"bound_step_ms": 1e3 * median(bounds), "step_ms": 1e3 * median(steps)}
    return Verdict(verdict.ours, {"own-bound": by_round(bounds, steps), **verdict.ratios}, verdict.peers, ceiling)


BENCH = Bench(
    name="mixed-8",
    line="eight rows with eight adapters of six methods on the default, against peft with eight LoRAs",
    unit="tokens/s",
    steady=RATE,
    bars=(Bar("own-bound", 1), Bar("peft", 8)),
    contestants=_contestants,
    judge=_judge,
)
