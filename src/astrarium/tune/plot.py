"""The loss curves of a run: SVG and PNG by matplotlib, and a small one of characters."""

from __future__ import annotations

from pathlib import Path

from astrarium.core.errors import TuneError
from astrarium.core.files import atomic_open
from astrarium.tune.logs import read_metrics

_ROWS = 12
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille character, by row and column of its dots."""

Curve = list[tuple[int, float]]


def curves(run: Path) -> tuple[Curve, Curve, float | None]:
    """Training losses and validation losses by step, and the base's own validation loss.

    Raises:
        TuneError: the run has no steps yet.
    """
    training: Curve = []
    validation: dict[int, float] = {}
    base = None
    for entry in read_metrics(run):
        step = int(entry["step"])
        if "loss" in entry:
            training.append((step, float(entry["loss"])))
        if "validation_loss" in entry:
            validation[step] = float(entry["validation_loss"])
        base = entry.get("validation_loss_of_base", base)
    if not training:
        raise TuneError(f"{run} has no steps in its metrics.jsonl yet")
    return training, sorted(validation.items()), base


def draw(run: Path) -> list[Path]:
    """Write `loss.svg` and `loss.png` into a run's folder.

    Raises:
        TuneError: the run has no steps yet.
    """
    training, validation, base = curves(run)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*training, strict=True), color="#7a9cc6", linewidth=1, label="training")
    if validation:
        axes.plot(*zip(*validation, strict=True), color="#b03a2e", marker="o", markersize=4, label="validation")
    if base is not None:
        axes.axhline(base, color="#888888", linestyle=":", label="base, validation")
    axes.set(xlabel="step", ylabel="loss a learned token", title=run.name)
    axes.legend()
    files = [run / "loss.svg", run / "loss.png"]
    for file in files:
        with atomic_open(file, "wb") as open_file:
            figure.savefig(open_file, format=file.suffix[1:], dpi=150)
    return files


def in_terminal(run: Path, width: int = 80) -> str:
    """The training losses as dots in braille characters, twelve lines high.

    Raises:
        TuneError: the run has no steps yet.
    """
    training, validation, _ = curves(run)
    columns = max(20, width - 10)
    values = [value for _, value in training]
    low, high = min(values), max(values)
    first, last = training[0][0], training[-1][0]
    cells = [[0] * columns for _ in range(_ROWS)]
    for step, value in training:
        x = round((step - first) / max(1, last - first) * (2 * columns - 1))
        y = round((high - value) / ((high - low) or 1) * (4 * _ROWS - 1))
        cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
    lines = []
    for number, row in enumerate(cells):
        label = f"{high - (high - low) * number / (_ROWS - 1):8.3f} " if number in (0, _ROWS - 1) else " " * 9
        lines.append(label + "".join(chr(0x2800 + cell) for cell in row).rstrip("\u2800"))
    lines.append(" " * 9 + f"{first}".ljust(columns - len(str(last))) + str(last))
    if validation:
        lines.append("validation: " + ", ".join(f"{value:.4f} at step {step}" for step, value in validation[-4:]))
    return "\n".join(lines)
