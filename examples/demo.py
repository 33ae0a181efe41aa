"""From nothing to an answer: rows from code at hand, two short tunings (LoRA, Parallel), one question to all three.

Run by `make demo`. Exits with 1 unless each adapter's validation loss ends lower than it began and than the base's.
Another number of steps: `python examples/demo.py 4`.
"""

from __future__ import annotations

import random
import sys
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

import astrarium
from astrarium.core.errors import StoppedError

QUESTION = "Please write a function in Python that performs bubble sort."
ROWS = 260
MOST_CHARACTERS = 900
STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 16
LEARNING_RATES = {"lora": 1e-3, "parallel": 5e-4}  # Astraios's 1e-4 is for 200 steps of 32 sequences
SETTINGS = {"steps": STEPS, "sequence_length": 256, "sequences_per_step": 4}
TOKENS = {"min_new_tokens": 64, "max_new_tokens": 96}

console = Console()
seconds: dict[str, float] = {}


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time a stage and say when it begins."""
    console.print(f"[bold]{name}[/bold] …")
    begin = time.monotonic()
    yield
    seconds[name] = time.monotonic() - begin


def mined() -> list[astrarium.data.Row]:
    """Rows from this repository's own code and from the standard library, short ones, in a fixed order."""
    here = Path(__file__).parents[1] / "src"
    rows = [*astrarium.data.functions(here), *astrarium.data.functions(sysconfig.get_path("stdlib"))]
    rows = [row for row in rows if len(row["prompt"]) + len(row["completion"]) <= MOST_CHARACTERS]
    random.Random(0).shuffle(rows)
    return rows[:ROWS]


def tuned(method: str, rows: list[astrarium.data.Row], folder: Path) -> astrarium.tune.Run:
    """One short tuning, with a progress bar."""
    with Bars(console=console, transient=True) as bars:
        task = bars.add_task(f"tuning {method}", total=STEPS)

        def told(progress: Any) -> None:
            bars.update(task, completed=progress.step, description=f"tuning {method}, loss {progress.loss:.3f}")
            if not console.is_terminal and progress.step % 4 == 0:
                console.print(f"  step {progress.step} of {STEPS}, loss {progress.loss:.3f}")

        return astrarium.tune.train(
            rows,
            method=method,
            base="default",
            run=folder / method,
            learning_rate=LEARNING_RATES[method],
            on_progress=told,
            **SETTINGS,
        )


def main() -> int:
    """Run every stage and print what came of it."""
    warnings.filterwarnings("ignore", category=FutureWarning)
    with stage("mine rows"):
        rows = mined()
    console.print(f"  {len(rows)} rows, such as: {rows[0]['prompt']!r}", markup=False)
    runs = {}
    with tempfile.TemporaryDirectory(prefix="astrarium-demo-") as folder:
        for method in LEARNING_RATES:
            with stage(f"tune {method}"):
                runs[method] = tuned(method, rows, Path(folder))
        with stage("open the engine"):
            model = astrarium.load("default", adapters={method: str(run.adapter) for method, run in runs.items()})
        answers = {}
        for name in (None, *runs):
            with stage(f"ask {name or 'the base'}"):
                answers[name or "base"] = model.ask(QUESTION, adapter=name, **TOKENS)
    show(answers, runs)
    failed = [m for m, run in runs.items() if not run.losses.end < min(run.losses.start, run.losses.base)]
    for method in failed:
        console.print(f"[red]{method}: the validation loss did not go down[/red]")
    return 1 if failed else 0


def show(answers: dict[str, str], runs: dict[str, astrarium.tune.Run]) -> None:
    """The answers side by side, the losses, the seconds."""
    side = Table.grid(expand=True, padding=(0, 1))
    for _ in answers:
        side.add_column(ratio=1)
    side.add_row(*(Panel(Text(answer.strip()), title=name) for name, answer in answers.items()))
    console.print(f"\n[bold]{QUESTION}[/bold]")
    console.print(side)
    losses = Table(title="validation loss (lower is better)")
    for column in ("method", "base", "its own start", "end", "rows", "tokens/s"):
        losses.add_column(column, justify="left" if column == "method" else "right")
    for method, run in runs.items():
        at = run.losses
        losses.add_row(
            method, f"{at.base:.4f}", f"{at.start:.4f}", f"[bold]{at.end:.4f}[/bold]", str(run.rows_used),
            f"{run.tokens_per_second:.0f}",
        )  # fmt: skip
    console.print(losses)
    times = Table(title="seconds")
    times.add_column("stage")
    times.add_column("s", justify="right")
    for name, taken in seconds.items():
        times.add_row(name, f"{taken:.1f}")
    times.add_row("in all", f"{sum(seconds.values()):.1f}", style="bold")
    console.print(times)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, StoppedError):
        console.print("stopped; nothing is kept")
        sys.exit(130)
