"""Scores the findings of `astrarium explain` on scripts whose findings are known, and times the command."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from astrarium.core.errors import BenchError

LINES = 500
"""Of the script that is timed."""


def score(folder: Path) -> dict[str, float]:
    """One round: precision and recall over all scripts, and seconds of the command on a long one.

    Args:
        folder: `expected.json` (script → list of rule and line) and the scripts.

    Raises:
        BenchError: a script is missing, or the command failed.
    """
    from astrarium.explain import read

    found = wanted = both = 0
    for name, findings in expected(folder).items():
        got = {(one.id, one.line) for one in read(folder / name, mend=False).findings}
        want = {(id, line) for id, line in findings}
        found, wanted, both = found + len(got), wanted + len(want), both + len(got & want)
    return {"precision": both / max(found, 1), "recall": both / max(wanted, 1), "seconds": _seconds(folder)}


def expected(folder: Path) -> Mapping[str, list[tuple[str, int]]]:
    """What is to be found in each script."""
    try:
        listed: dict[str, list[tuple[str, int]]] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(f"{folder / 'expected.json'} cannot be read: {error}") from error
    return listed


def long_script(folder: Path) -> str:
    """A script of 500 lines: right ones, one after the other, each in a function of its own."""
    lines: list[str] = []
    for number, name in enumerate(sorted(expected(folder)) * 2):
        if name.startswith("clean/") and name.endswith(".py"):
            body = (folder / name).read_text(encoding="utf-8").splitlines()
            lines += [f"def part_{number}():", *(f"    {line}" if line.strip() else "" for line in body), ""]
    return "\n".join(lines[: _cut(lines)]) + "\n"


def _cut(lines: list[str]) -> int:
    """The last beginning of a function within 500 lines."""
    return max(number for number, line in enumerate(lines[: LINES + 1]) if line.startswith("def "))


def _seconds(folder: Path) -> float:
    with tempfile.TemporaryDirectory(prefix="astrarium-explain-") as scratch:
        script = Path(scratch) / "long.py"
        script.write_text(long_script(folder), encoding="utf-8")
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "astrarium", "explain", "--json", str(script)],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
    if '"findings"' not in done.stdout:
        raise BenchError(f"astrarium explain failed on a script of {LINES} lines: {done.stderr[-300:]}")
    return seconds
