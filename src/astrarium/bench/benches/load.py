"""`load`: from the start of a process to the first token of the embedded default, our caches on disk deleted."""

from __future__ import annotations

from astrarium.bench.bases import DEFAULT, default_file
from astrarium.bench.bench import OURS, Bench, Setting, Verdict, prompts
from astrarium.bench.decoding import figure, figures_of_peers
from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar

_SECONDS = "since_start_s"


def _contestants(setting: Setting) -> list[Contestant]:
    caches = setting.scratch / "caches"
    work = {"prompts": prompts(1, 64)}
    ours = setting.ours(
        "first_token",
        {**work, "base": DEFAULT},
        fresh=True,
        warms_up=not setting.quick,
        environment={"ASTRARIUM_CACHE": str(caches)},
        forget=caches,
    )
    peer = {**work, "base": str(default_file()), "kind": "first_token"}
    return [ours, setting.peer("transformers", "hf", peer, fresh=True, warms_up=not setting.quick)]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    ours, peers = figure(standing, OURS, _SECONDS), figures_of_peers(standing, _SECONDS)
    ratios = {name: peer.value / ours.value for name, peer in peers.items()}
    return Verdict(ours, {**ratios, "first-start": ours.value}, peers)


BENCH = Bench(
    name="load",
    line="from the start of a process to the first token of the default, against transformers on the same file",
    unit="s",
    steady=_SECONDS,
    bars=(Bar("transformers", 5), Bar("first-start", 4, at_most=True, unit="s")),
    contestants=_contestants,
    judge=_judge,
)
