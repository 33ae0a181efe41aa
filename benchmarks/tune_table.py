"""The README's table of real tuning: each adapter method, on real rows, with a budget of minutes.

    python benchmarks/tune_table.py instruct/oasst_commitpackft.jsonl --minutes 1.5
    python benchmarks/tune_table.py ROWS --minutes 0.5 --methods ia3 --rates 1e-3,1e-2,3e-2      a search for a rate

The base is the embedded default, the options are those of `astrarium tune --short`, the steps those that fit into the
minutes: three steps are timed first (they are not part of the budget), and validations come on top. With several rates
the method is trained at each. A row of the table is `ok` where validation ends below the base's and its own start; the
exit status is 1 where one is not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from astrarium.data import read_rows
from astrarium.methods import METHODS, recipe, short_changes
from astrarium.tune import Settings, train

ADAPTERS = tuple(method for method in METHODS if method != "fft")


def trained(rows: Any, method: str, rate: float, minutes: float, settings: Settings, place: Path) -> dict[str, Any]:
    """One training of about so many minutes, as a line of the table."""
    changes = {**short_changes(method), "learning_rate": rate}
    trial = train(rows[:80], method, run=place / "trial", settings=settings, **{**changes, "steps": 3})
    per_step = json.loads((trial.path / "metrics.jsonl").read_text().splitlines()[3])
    steps = max(4, int(minutes * 60 * per_step["tokens_per_second"] / per_step["tokens"]))
    run = train(rows, method, run=place / "run", settings=settings, **{**changes, "steps": steps})
    log = map(json.loads, (run.path / "metrics.jsonl").read_text().splitlines())
    spent = sum(entry.get("tokens", 0) for entry in log) / run.tokens_per_second
    return {
        "method": method,
        "learning_rate": rate,
        "steps": steps,
        "minutes": spent / 60,
        "base": run.losses.base,
        "start": run.losses.start,
        "end": run.losses.end,
        "ok": run.losses.end < run.losses.base and run.losses.end < run.losses.start,
    }


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", help="a file of rows")
    parser.add_argument("--minutes", type=float, default=1.5, help="spent in steps, for each training")
    parser.add_argument("--methods", default=",".join(ADAPTERS))
    parser.add_argument("--rates", default="", help="learning rates, in place of the method's own for short trainings")
    parser.add_argument("--validation", type=float, default=0.03, help="share of the rows held back")
    parser.add_argument("--json", action="store_true", help="a JSON object a line, in place of the table")
    given = parser.parse_args()
    rows = read_rows(given.rows)
    settings = Settings(validation=given.validation, trackers=False)
    if not given.json:
        print("| method | learning rate | steps | base | start | end | |\n| --- | --: | --: | --: | --: | --: | --- |")
    fine = True
    for method in given.methods.split(","):
        own = short_changes(method).get("learning_rate", recipe(method).learning_rate)
        for rate in [float(text) for text in given.rates.split(",") if text] or [own]:
            with tempfile.TemporaryDirectory() as place:
                line = trained(rows, method, rate, given.minutes, settings, Path(place))
            fine &= line["ok"]
            if given.json:
                print(json.dumps(line), flush=True)
                continue
            losses = " | ".join(f"{line[key]:.3f}" for key in ("base", "start", "end"))
            print(
                f"| `{method}` | {rate:g} | {line['steps']} | {losses} | {'ok' if line['ok'] else 'no'} |", flush=True
            )
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
