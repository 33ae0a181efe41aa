"""What this machine is, and how fast it reads and multiplies: the ceiling that a bench is held against."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.worker import Round, serve
from astrarium.core.errors import BenchError

_INSTRUCTIONS = (
    "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_bf16", "amx_int8", "asimd", "asimddp", "i8mm", "bf16", "sve",
)  # fmt: skip
_NAME = "machine"
_TIMES = 10
_READ_BYTES = 1 << 30
_ROWS, _INNER, _COLUMNS = 1024, 2048, 8192


@dataclass(frozen=True, slots=True)
class Rates:
    """The machine's own ceiling, as it was in each round."""

    reads: Sequence[float]
    """Bytes a second: the best of ten `torch.sum` over 1 GiB of fp32."""
    matrices: Sequence[float]
    """FLOP a second: the best of ten bf16 products `[1024, 2048] × [2048, 8192]`."""
    kernels: str = ""
    """The instruction set of the engine's compiled kernels, or `torch: ` and why they are not used."""

    @property
    def read(self) -> float:
        """That of the middle round."""
        return median(self.reads)

    @property
    def matrix(self) -> float:
        """Likewise."""
        return median(self.matrices)

    def to_dict(self) -> dict[str, float]:
        """As JSON, in the units people speak in."""
        return {"read_gb_per_s": self.read / 1e9, "matrix_tflop_per_s": self.matrix / 1e12}


def facts() -> dict[str, Any]:
    """CPU, cores, instruction sets, memory and versions."""
    described = _cpu()
    flags = set(described.get("flags", described.get("Features", "")).split())
    return {
        "cpu": described.get("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "instructions": [name for name in _INSTRUCTIONS if name in flags],
        "memory_bytes": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def contestant() -> Contestant:
    """The machine, which plays each round beside the others: what it can do changes from minute to minute."""
    return Contestant(_NAME, (sys.executable, "-m", __name__), {}, warms_up=False)


def rates_of(standing: Standing) -> Rates:
    """What the machine did in each round; it is taken out of the standing.

    Raises:
        BenchError: its process failed.
    """
    if _NAME in standing.missing:
        raise BenchError(standing.missing[_NAME])
    played = standing.played.pop(_NAME)
    return Rates(played.all("read"), played.all("matrix"), played.format)


def by_round(above: Sequence[float], below: Sequence[float]) -> float:
    """The median over the rounds of one figure divided by another of the same round.

    What is held against the machine's rates is held so, since they change from minute to minute.
    """
    return median(one / other for one, other in zip(above, below, strict=True))


def _cpu() -> Mapping[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {}
    first = text.split("\n\n")[0]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _prepare(work: dict[str, Any]) -> tuple[str, Round]:
    import torch

    from astrarium.engine.native import kernels, why_not

    torch.set_num_threads(work["threads"])
    module = kernels()

    def play() -> dict[str, float]:
        with torch.inference_mode():
            read = torch.ones(_READ_BYTES // 4)
            seconds = _best(lambda: torch.sum(read))
            left = torch.randn(_ROWS, _INNER).bfloat16()
            right = torch.randn(_INNER, _COLUMNS).bfloat16()
            product = _best(lambda: left @ right)
        return {"read": _READ_BYTES / seconds, "matrix": 2 * _ROWS * _INNER * _COLUMNS / product}

    return f"torch: {why_not()}" if module is None else module.active(), play


def _best(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(_TIMES):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    serve(_prepare)
