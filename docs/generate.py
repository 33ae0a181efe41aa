"""Writes what of the guide is made from the program itself: the commands' page, the methods' page and its pictures.

python docs/generate.py            write
python docs/generate.py --check    exit with 1 where a file is not what would be written
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent
COMMANDS = (
    "", "ask", "complete", "tokens", "data", "data functions", "data commits", "tune", "explain", "report",
    "adapters", "adapters count", "bench",
)  # fmt: skip
_TABLE = {"lora": "low rank", "ia3": "scaling", "ptuning": "prompt", "adapterh": "bottleneck",
          "adapterp": "bottleneck", "parallel": "bottleneck", "fft": "everything"}  # fmt: skip


def commands() -> str:
    """The page of every command's `--help`."""
    parts = ["# Commands", "", "Made from `astrarium … --help`; a test holds it to that.", ""]
    for command in COMMANDS:
        name = f"astrarium {command}".strip()
        parts += [f"## {name}", "", "```text", _help(command), "```", ""]
    return "\n".join(parts)


def _help(command: str) -> str:
    environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
    environment |= {"_TYPER_FORCE_DISABLE_TERMINAL": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "astrarium", *command.split(), "--help"],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    return "\n".join(
        line.rstrip() for line in done.stdout.replace("python -m astrarium", "astrarium").strip().splitlines()
    )


def methods() -> tuple[str, dict[str, str]]:
    """The page of the seven methods, and its pictures by name."""
    from astrarium.methods import METHODS, count_parameters, recipe
    from astrarium.report.explained import explain_method
    from astrarium.sources import open_base

    counts = {count.method: count for count in count_parameters(open_base("default").config)}
    pictures: dict[str, str] = {}
    parts = [
        "# The methods", "",
        "Seven ways to tune, with Astraios's recipes. What is trained is orange, what stays as it was is blue.",
        "The counts are of the embedded default, by `astrarium adapters count`.", "",
        "| method | kind | trained parameters | share of base and adapter |", "| --- | --- | --: | --: |",
    ]  # fmt: skip
    parts += [f"| [`{m}`](#{m}) | {_TABLE[m]} | {counts[m].trained:,} | {counts[m].share:.3g} % |" for m in METHODS]
    for method in METHODS:
        explained = explain_method(method, recipe(method).options)
        if explained is None:
            raise SystemExit(f"{method} is not explained; add it to report/explained.py")
        for theme, svg in (("light", explained.figure.light), ("dark", explained.figure.dark)):
            pictures[f"method-{method}-{theme}.svg"] = svg
        parts += ["", f"## {method}", "", f"{explained.title}. {explained.sentence}", ""]
        parts += [f"![{explained.figure.alt}](../assets/method-{method}-{theme}.svg#only-{theme})"
                  for theme in ("light", "dark")]  # fmt: skip
        for formula in explained.formulas:
            parts += ["", "$$", formula, "$$"]
        parts += ["", *_options(method)]
    return "\n".join([*parts, ""]), pictures


def _options(method: str) -> Iterator[str]:
    from astrarium.methods import recipe

    chosen = recipe(method)
    listed = ", ".join(f"`{name}` {value}" for name, value in chosen.options.items())
    yield f"The recipe: {listed + '; ' if listed else ''}{chosen.steps} steps of {chosen.sequences_per_step} sequences"
    yield f"of {chosen.sequence_length:,} tokens, learning rate {chosen.learning_rate:g}."
    if chosen.sites:
        sites = ", ".join(f"`{ending}`" for ending in chosen.sites["llama"])
        yield f"Its sites in a Llama: {sites}."


def main() -> None:
    """Write, or check."""
    page, pictures = methods()
    files = {DOCS / "guide" / "commands.md": commands(), DOCS / "guide" / "methods.md": page}
    files |= {DOCS / "assets" / name: svg for name, svg in pictures.items()}
    if sys.argv[1:] == ["--check"]:
        stale = [str(path) for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
        if stale:
            raise SystemExit(f"run python docs/generate.py; not up to date: {', '.join(stale)}")
        return
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
