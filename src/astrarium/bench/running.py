"""`run`: one bench, from its name to its result."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from astrarium.bench import machine
from astrarium.bench.bench import OURS, Bench, Setting
from astrarium.bench.protocol import QUICK_ROUNDS, ROUNDS, is_noisy, play, spread
from astrarium.bench.result import Result
from astrarium.core.errors import BenchError
from astrarium.model.caches import cache_folder

NAMES = (
    "decode-1b", "decode-ceiling", "decode-135m", "batch-8", "mixed-8", "prefill", "load", "load-7b", "long", "stall",
    "prefix", "bank", "quality", "train", "train-bf16", "train-memory", "train-1b", "loss", "explain",
)  # fmt: skip
"""Every bench, in the order in which they are listed."""


def all_benches() -> dict[str, Bench]:
    """Every bench by its name."""
    return {name: bench(name) for name in NAMES}


def bench(name: str) -> Bench:
    """The bench of a name.

    Raises:
        BenchError: there is none.
    """
    if name not in NAMES:
        raise BenchError(f"there is no bench {name!r}; there are {', '.join(NAMES)}")
    found: Bench = import_module(f"astrarium.bench.benches.{name.replace('-', '_')}").BENCH
    return found


def run(
    name: str,
    *,
    quick: bool = False,
    peers_python: str | None = None,
    say: Callable[[str], None] = lambda line: None,
    warn: Callable[[str], None] = lambda line: None,
) -> Result:
    """Run one bench on this machine.

    Args:
        name: one of `NAMES`.
        quick: two rounds and fewer tokens, for a first look.
        peers_python: the interpreter with the peers' libraries; by default `ASTRARIUM_PEERS_PYTHON`, or this one.
        say: told what goes on.
        warn: told which peers are missing, and why; and where the compiled kernels are.

    Raises:
        BenchError: no bench of that name, or our own side failed.
    """
    wanted = bench(name)
    load = os.getloadavg()[0]  # before anything of ours adds to it
    rounds = (QUICK_ROUNDS if quick else ROUNDS) if wanted.repeated else 1
    python = peers_python or os.environ.get("ASTRARIUM_PEERS_PYTHON") or sys.executable
    if shutil.which(python) is None:
        raise BenchError(f"--peers-python is {python}, which cannot be run; name an interpreter")
    with tempfile.TemporaryDirectory(prefix="astrarium-bench-") as scratch:
        setting = Setting(cache_folder() / "bench", Path(scratch), python, _peers(), quick)
        say("making what is needed")
        contestants = wanted.contestants(setting)
        standing = play([machine.contestant(), *contestants], rounds, say)
    rates = machine.rates_of(standing)
    if rates.kernels.startswith("torch"):
        warn(rates.kernels.removeprefix("torch: "))
    ours_missing = [reason for one, reason in standing.missing.items() if one.startswith(OURS)]
    missing = {one: reason for one, reason in standing.missing.items() if not one.startswith(OURS)}
    for one, reason in missing.items():
        warn(f"{one} is missing: {reason.removeprefix(f'{one}: ')}")
    if missing and any("No module named" in reason for reason in missing.values()):
        warn("what the peers need is in benchmarks/requirements.txt; name its interpreter with --peers-python")
    if ours_missing:
        raise BenchError(f"bench {name}: our own side failed: {ours_missing[0]}")
    verdict = wanted.judge(standing, rates)
    steady = [played.all(wanted.steady) for played in standing.played.values() if wanted.steady in played.rounds[0]]
    return Result(
        bench=name,
        unit=wanted.unit,
        ours=verdict.ours,
        peers=verdict.peers,
        ratios=verdict.ratios,
        ceiling={**rates.to_dict(), **verdict.ceiling},
        rounds=rounds,
        noisy=is_noisy(load, steady),
        machine={
            **machine.facts(),
            "kernels": rates.kernels,
            "load": load,
            "spread": max(map(spread, steady), default=0.0),
        },
        missing_peers=tuple(missing),
        bars=wanted.bars,
    )


def _peers() -> Path | None:
    """The workers of the peers: in the checkout that this package runs from, or in the one where we stand."""
    for root in (Path(__file__).resolve().parents[3], Path.cwd()):
        folder = root / "benchmarks" / "peers"
        if (folder / "line.py").is_file():
            return folder
    return None
