"""Figures as SVG, once for a light page and once for a dark one, in colours that colour-blind readers tell apart."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and what it is drawn from."""

    light: str
    dark: str
    alt: str
    """What it shows, in words."""
    header: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = field(default_factory=list)
    """The data, every number that is drawn."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a page. Series are Okabe and Ito's, darker or lighter so that they stand out on the ground."""

    name: str
    ground: str
    ink: str
    faint: str
    frozen: str
    adapter: str
    series: tuple[str, ...]


LIGHT = Theme(
    "light", "#ffffff", "#1f2328", "#d1d9e0", "#eef2f6", "#ffe8c7", ("#0072b2", "#b34e00", "#00795a", "#8f4a77")
)
DARK = Theme(
    "dark", "#0d1117", "#e6edf3", "#3d444d", "#1f2937", "#5a3a00", ("#56b4e9", "#e69f00", "#33c19a", "#d89bc1")
)
_DASHES = ("-", "--", "-.", ":")
_MARKS = ("o", "s", "^", "D")


def curves(
    series: Mapping[str, Sequence[tuple[float, float]]], *, x: str, y: str, alt: str, levels: Mapping[str, float]
) -> Figure:
    """Lines over a common axis.

    Args:
        series: name → points.
        x: what is on the horizontal axis, with its unit.
        y: what is on the vertical one.
        alt: what the figure shows, in words.
        levels: name → a level that does not change, drawn across.
    """

    from matplotlib.ticker import FuncFormatter, MaxNLocator

    whole = all(float(point[0]).is_integer() for points in series.values() for point in points)

    def draw(axes: Any, theme: Theme) -> None:
        for index, (name, points) in enumerate(series.items()):
            axes.plot(
                [point[0] for point in points], [point[1] for point in points], label=name, color=theme.series[index],
                linestyle=_DASHES[index], marker=_MARKS[index], markersize=4 if len(points) < 60 else 0, linewidth=1.8,
            )  # fmt: skip
        for index, (name, level) in enumerate(levels.items(), start=len(series)):
            axes.axhline(level, label=name, color=theme.series[index], linestyle=_DASHES[index], linewidth=1.6)
        axes.set(xlabel=x, ylabel=y)
        axes.xaxis.set_major_locator(MaxNLocator(integer=whole))
        axes.xaxis.set_major_formatter(FuncFormatter(_tick))
        if len(series) + len(levels) > 1:
            axes.legend(frameon=False, labelcolor=theme.ink, fontsize=9)

    rows: list[list[object]] = [[name, *point] for name, points in series.items() for point in points]
    rows += [[name, "every", level] for name, level in levels.items()]
    return _drawn(draw, (7.2, 3.4), alt, ("series", x, y), rows)


def bars(values: Sequence[tuple[str, float]], *, x: str, alt: str, logarithmic: bool = False, unit: str = "") -> Figure:
    """Bars that lie, one a row, with their values written at their ends.

    Args:
        values: label and value, from top to bottom.
        x: what the length means, with its unit.
        alt: what the figure shows, in words.
        logarithmic: whether each step on the axis multiplies.
        unit: written after each value.
    """

    from matplotlib.ticker import FuncFormatter

    def draw(axes: Any, theme: Theme) -> None:
        labels, lengths = [label for label, _ in values], [value for _, value in values]
        axes.barh(labels, lengths, color=theme.series[0], height=0.62)
        axes.invert_yaxis()
        if logarithmic:
            axes.set_xscale("log")
            axes.set_xlim(min(lengths) / 3, max(lengths) * 12)
        else:
            axes.set_xlim(0, max(lengths) * 1.28)
            axes.xaxis.set_major_formatter(FuncFormatter(_tick))
        for row, length in enumerate(lengths):
            shown = f"{length:,.0f}" if length >= 1000 or float(length).is_integer() else f"{length:,.3g}"
            axes.annotate(f"{shown}{unit}", (length, row), (5, 0), textcoords="offset points", va="center", fontsize=9)
        axes.set(xlabel=x)
        axes.tick_params(axis="y", length=0)
        axes.grid(False, axis="y")

    return _drawn(draw, (7.2, 0.9 + 0.42 * len(values)), alt, ("", x), [list(pair) for pair in values])


def _tick(value: float, _: int) -> str:
    """A number on an axis, its thousands apart."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}"


def _drawn(draw: Any, size: tuple[float, float], alt: str, header: Sequence[str], rows: list[list[object]]) -> Figure:
    light, dark = (_svg(draw, size, theme) for theme in (LIGHT, DARK))
    return Figure(light, dark, alt, header, rows)


def _svg(draw: Any, size: tuple[float, float], theme: Theme) -> str:
    # The object interface: pyplot would look for a display and keep global state.
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Canvas

    settings = {
        "svg.hashsalt": "astrarium",  # the same picture gets the same ids
        "font.size": 10,
        "axes.edgecolor": theme.faint,
        "axes.labelcolor": theme.ink,
        "text.color": theme.ink,
        "xtick.color": theme.ink,
        "ytick.color": theme.ink,
        "grid.color": theme.faint,
        "grid.linewidth": 0.6,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context(settings):
        canvas = Canvas(figsize=size, facecolor=theme.ground, layout="constrained")
        axes = canvas.add_subplot(facecolor=theme.ground)
        draw(axes, theme)
        written = io.StringIO()
        FigureCanvasSVG(canvas).print_svg(written, metadata={"Date": None, "Creator": None})
    lines = [line.rstrip() for line in written.getvalue().splitlines()]
    return "\n".join(lines) + "\n"
