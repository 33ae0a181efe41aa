"""`bank`: 220 adapters on the default, asked for in random order: memory above the base, reload of an evicted one."""

from __future__ import annotations

from astrarium.bench.bases import DEFAULT, default_adapters
from astrarium.bench.bench import OURS, Bench, Setting, Verdict, prompts
from astrarium.bench.decoding import figure
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar

_LORAS, _BOTTLENECKS = 200, 20
_GIB = 1 << 30


def _contestants(setting: Setting) -> list[Contestant]:
    adapters = default_adapters(setting, *["lora"] * _LORAS, *["adapterp"] * _BOTTLENECKS)
    return [setting.ours("bank", {"base": DEFAULT, "bank": adapters, "prompts": prompts(1, 8)})]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    ours = standing.played[OURS]
    ratios = {"memory": max(ours.all("above_bytes")) / _GIB, "reload": ours.median("reload_s")}
    return Verdict(figure(standing, OURS, "requests_per_s"), ratios, ceiling={"plain_s": ours.median("plain_s")})


BENCH = Bench(
    name="bank",
    line="200 LoRA and 20 AdapterP adapters on the default in random order: memory in GiB, seconds of a reload",
    unit="requests/s",
    steady="requests_per_s",
    bars=(Bar("memory", 1, at_most=True, unit="GiB"), Bar("reload", 0.5, at_most=True, unit="s")),
    contestants=_contestants,
    judge=_judge,
)
