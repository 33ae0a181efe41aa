"""What a process of `torchrun` runs in the tests of several processes: a training, and what it looks like inside."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch.distributed.tensor import DTensor

from astrarium.data import read_rows
from astrarium.model import load_base
from astrarium.tune import Settings, resume, train
from astrarium.tune import session as sessions
from astrarium.tune.loop import Progress


def main(order: dict[str, Any]) -> None:
    """Train or resume, and write what was seen beside the run."""
    torch.set_num_threads(1)
    rank = int(os.environ.get("RANK", "0"))
    seen: dict[str, Any] = {"losses": [], "norms": []}
    spread = sessions.spread

    def looked_at(passes: Any, processes: Any, parallel: str) -> Any:
        module = spread(passes, processes, parallel)
        parameters = list(module.parameters())
        seen["sharded"] = all(isinstance(parameter, DTensor) for parameter in parameters)
        seen["kind"] = type(module).__name__
        seen["local"] = sum((p.to_local() if isinstance(p, DTensor) else p).numel() for p in parameters)
        seen["all"] = sum(p.numel() for p in parameters)
        return module

    sessions.spread = looked_at

    def report(progress: Progress) -> None:
        seen["losses"].append(progress.loss)
        seen["norms"].append(progress.gradient_norm)
        if progress.step == order.get("die_after"):
            os.kill(os.getpid(), 9)

    run = Path(order["run"])
    base = load_base(order["base"], dtype="fp32")
    if order.get("resume"):
        resume(run, base=base, on_progress=report)
    else:
        settings = Settings(**order["settings"])
        assert read_rows(order["rows"])
        train(order["rows"], order["method"], base, run=run, settings=settings, on_progress=report, **order["changes"])
    run.with_name(f"{run.name}.{rank}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
