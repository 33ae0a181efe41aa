"""A real worker that does next to nothing: what it is told decides how it behaves."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from astrarium.bench.worker import Round, serve


def prepare(work: dict[str, Any]) -> tuple[str, Round]:
    if work.get("fails") == "start":
        raise ImportError("No module named 'something'")
    print("a library that talks")  # must not come between the answers
    turns = iter(work.get("figures", [1.0]))
    journal = work.get("journal")

    def play() -> dict[str, float | str]:
        if journal:
            with open(journal, "a", encoding="utf-8") as file:
                file.write(f"{work['name']} {os.getpid()}\n")
        if work.get("fails") == "die":
            print("out of patience", file=sys.stderr)
            sys.stderr.flush()
            os._exit(3)
        if work.get("fails") == "sleep":
            time.sleep(60)
        if "grow" in work:
            kept.append(b"x" * work["grow"])
            time.sleep(0.2)
        figures = {name: next(turns) for name in work.get("names", ["rate"])}
        return {**figures, "format": "int8"} if work.get("late") else figures

    kept: list[bytes] = []
    return "bf16", play


serve(prepare)
