"""`load-7b`: a 7B-shaped bf16 folder to int4: memory of the first start, time of the second, which maps the cache."""

from __future__ import annotations

from dataclasses import replace

from astrarium.bench.bases import starcoder_7b
from astrarium.bench.bench import OURS, Bench, Setting, Verdict, prompts
from astrarium.bench.decoding import figure
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar
from astrarium.bench.shapes import STARCODER_7B, config_of
from astrarium.families import family_of

_SECONDS = "since_start_s"
_QUICK_LAYERS = 12  # of 42: rounding all of them takes minutes


def _contestants(setting: Setting) -> list[Contestant]:
    shape = replace(STARCODER_7B, layers=_QUICK_LAYERS) if setting.quick else STARCODER_7B
    config = config_of(shape)
    known = {"int4_bytes": family_of(config).weight_bytes(config, "int4")}
    work = {"base": starcoder_7b(setting, shape), "format": "int4", "prompts": prompts(1, 8), "known": known}
    # The run's own folder of caches is empty at the warm-up, which quantises; the rounds find what it wrote.
    caches = {"ASTRARIUM_CACHE": str(setting.scratch / "caches")}
    return [setting.ours("first_token", work, fresh=True, environment=caches)]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    ours = standing.played[OURS]
    size = ours.warm_up["int4_bytes"]
    second = figure(standing, OURS, _SECONDS)
    ratios = {"memory": ours.warm_up["peak_anon"] / size, "second-start": second.value}
    return Verdict(second, ratios, ceiling={"int4_gb": size / 1e9, "first_start_s": ours.warm_up[_SECONDS]})


BENCH = Bench(
    name="load-7b",
    line="a 7B shape to int4: memory of a first start, time of the second (15 GB on disk; --quick: 12 layers of 42)",
    unit="s",
    steady=_SECONDS,
    bars=(Bar("memory", 1.6, at_most=True), Bar("second-start", 5, at_most=True, unit="s")),
    contestants=_contestants,
    judge=_judge,
)
