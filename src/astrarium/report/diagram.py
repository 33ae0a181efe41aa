"""Diagrams of boxes and arrows: mermaid's language for GitHub, and SVG of our own for where no mermaid runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from astrarium.report.figures import DARK, LIGHT, Figure, Theme

_NARROWEST, _HEIGHT, _GAP_X, _GAP_Y, _EDGE = 190, 46, 44, 40, 12
_LETTER = 7.6  # pixels, about, at 13 px
_SMALL_LETTER = 6.4  # and at 11 px
_LANE = 14


@dataclass(frozen=True, slots=True)
class Box:
    """One box on a grid."""

    id: str
    label: str
    """One line, or two with a line break between."""
    row: int
    column: float
    kind: str = "plain"
    """`plain`, `frozen` (of the base) or `adapter` (trained)."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """One arrow between boxes."""

    start: str
    end: str
    label: str = ""
    around: bool = False
    """Whether it goes beside the column, past the boxes between."""


def mermaid(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """The diagram as a mermaid flowchart from top to bottom."""
    lines = ["flowchart TB"]
    lines += [f'    {box.id}["{_entities(box.label)}"]' for box in boxes]
    lines += [
        f'    {arrow.start} -->|"{_entities(arrow.label)}"| {arrow.end}' if arrow.label
        else f"    {arrow.start} --> {arrow.end}"
        for arrow in arrows
    ]  # fmt: skip
    lines.append("    classDef frozen fill:#dbe7f3,stroke:#0072b2,color:#1f2328")
    lines.append("    classDef adapter fill:#ffe8c7,stroke:#b34e00,stroke-width:3px,color:#1f2328")
    for kind in ("frozen", "adapter"):
        if named := ",".join(box.id for box in boxes if box.kind == kind):
            lines.append(f"    class {named} {kind}")
    return "\n".join(lines)


def drawing(boxes: Sequence[Box], arrows: Sequence[Arrow], alt: str) -> Figure:
    """The same as SVG, in both themes."""
    return Figure(_svg(boxes, arrows, alt, LIGHT), _svg(boxes, arrows, alt, DARK), alt)


def _svg(boxes: Sequence[Box], arrows: Sequence[Arrow], alt: str, theme: Theme) -> str:
    longest = max(len(line) for box in boxes for line in box.label.split("\n"))
    wide = max(_NARROWEST, round(longest * _LETTER) + 16)
    lanes, before, after = _lanes(boxes, arrows)
    places: dict[str, tuple[float, float]] = {
        box.id: (_EDGE + before + box.column * (wide + _GAP_X), _EDGE + box.row * (_HEIGHT + _GAP_Y)) for box in boxes
    }
    width = max(x for x, _ in places.values()) + wide + after + _EDGE
    height = max(y for _, y in places.values()) + _HEIGHT + _EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{escape(alt, quote=True)}">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{theme.ink}"/></marker></defs>',
        f'<rect width="{width:g}" height="{height:g}" fill="{theme.ground}"/>',
        '<g font-family="system-ui,sans-serif" font-size="13">',
    ]
    parts += [
        _around(arrow, places, wide, lanes[arrow.start], theme) if arrow.around else _arrow(arrow, places, wide, theme)
        for arrow in arrows
    ]
    parts += [_box(box, places[box.id], wide, theme) for box in boxes]
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _lanes(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> tuple[dict[str, float], float, float]:
    """How far beside its column each box's arrows go (to the left below 0), and the room that takes on both sides."""
    columns = {box.id: box.column for box in boxes}
    lanes: dict[str, float] = {}
    for arrow in arrows:
        if arrow.around and arrow.start not in lanes:
            side = -1 if columns[arrow.start] == 0 else 1
            lanes[arrow.start] = side * _LANE * (1 + sum(lane * side > 0 for lane in lanes.values()))
    rooms = [0.0, 0.0]
    for arrow in arrows:
        if arrow.around:
            lane = lanes[arrow.start]
            rooms[lane > 0] = max(rooms[lane > 0], abs(lane) + 8 + len(arrow.label) * _SMALL_LETTER)
    return lanes, rooms[0], rooms[1]


def _between(arrow: Arrow, places: dict[str, tuple[float, float]], wide: int, theme: Theme) -> str:
    """To another column and far down: through the gap between the columns, past the boxes of both."""
    (x1, y1), (x2, y2) = places[arrow.start], places[arrow.end]
    y1, y2 = y1 + _HEIGHT / 2, y2 + _HEIGHT / 2
    gap = min(x1, x2) + wide + _GAP_X / 2
    x1, x2 = (x + (wide if x < gap - wide / 2 else 0) for x in (x1, x2))
    return (
        f'<path d="M{x1:g} {y1:g} H{gap:g} V{y2:g} H{x2:g}" fill="none" stroke="{theme.ink}" stroke-width="1.3" '
        f'marker-end="url(#tip)"/><text x="{gap + 3:g}" y="{y2 - 5:g}" font-size="11" fill="{theme.ink}">'
        f"{escape(arrow.label)}</text>"
    )


def _around(arrow: Arrow, places: dict[str, tuple[float, float]], wide: int, lane: float, theme: Theme) -> str:
    (x1, y1), (x2, y2) = places[arrow.start], places[arrow.end]
    x1, x2 = (x + (wide if lane > 0 else 0) for x in (x1, x2))
    y1, y2 = y1 + _HEIGHT / 2, y2 + _HEIGHT / 2
    beside = (max(x1, x2) if lane > 0 else min(x1, x2)) + lane
    anchor, x = ("start", beside + 4) if lane > 0 else ("end", beside - 4)
    return (
        f'<path d="M{x1:g} {y1:g} H{beside:g} V{y2:g} H{x2:g}" fill="none" stroke="{theme.ink}" stroke-width="1.3" '
        f'marker-end="url(#tip)"/><text x="{x:g}" y="{(y1 + y2) / 2 + 4:g}" font-size="11" text-anchor="{anchor}" '
        f'fill="{theme.ink}">{escape(arrow.label)}</text>'
    )


def _box(box: Box, place: tuple[float, float], wide: int, theme: Theme) -> str:
    x, y = place
    fill = {"plain": theme.ground, "frozen": theme.frozen, "adapter": theme.adapter}[box.kind]
    stroke = {"plain": theme.faint, "frozen": theme.series[0], "adapter": theme.series[1]}[box.kind]
    lines = box.label.split("\n")
    middle = y + _HEIGHT / 2 + 4.5 - 8 * (len(lines) - 1)
    words = "".join(
        f'<text x="{x + wide / 2:g}" y="{middle + 16 * index:g}" text-anchor="middle" fill="{theme.ink}">'
        f"{escape(line)}</text>"
        for index, line in enumerate(lines)
    )
    thick = 2.5 if box.kind == "adapter" else 1.2
    rect = f'<rect x="{x:g}" y="{y:g}" width="{wide}" height="{_HEIGHT}" rx="6" fill="{fill}"'
    return f'{rect} stroke="{stroke}" stroke-width="{thick}"/>{words}'


def _arrow(arrow: Arrow, places: dict[str, tuple[float, float]], wide: int, theme: Theme) -> str:
    (x1, y1), (x2, y2) = places[arrow.start], places[arrow.end]
    if abs(x1 - x2) >= wide + _GAP_X and abs(y1 - y2) > 1.5 * (_HEIGHT + _GAP_Y):
        return _between(arrow, places, wide, theme)
    if y1 == y2:
        right = x2 > x1
        start, end = (
            (x1 + (wide if right else 0), y1 + _HEIGHT / 2),
            (x2 + (0 if right else wide), y2 + _HEIGHT / 2),
        )
    else:
        start, end = (x1 + wide / 2, y1 + _HEIGHT), (x2 + wide / 2, y2)
    half = (start[1] + end[1]) / 2
    bend = f"L{start[0]:g} {half:g} L{end[0]:g} {half:g} " if start[0] != end[0] and y1 != y2 else ""
    line = f'<path d="M{start[0]:g} {start[1]:g} {bend}L{end[0]:g} {end[1]:g}" fill="none" stroke="{theme.ink}"'
    word = ""
    if arrow.label:
        straight = start[0] == end[0] and y1 != y2
        x, y = (start[0] + 6, half + 4) if straight else (0.7 * start[0] + 0.3 * end[0], half - 5)
        anchor = "start" if straight else "middle"
        word = f'<text x="{x:g}" y="{y:g}" font-size="11" text-anchor="{anchor}" fill="{theme.ink}">'
        word += f"{escape(arrow.label)}</text>"
    return f'{line} stroke-width="1.3" marker-end="url(#tip)"/>{word}'


def _entities(label: str) -> str:
    # Mermaid reads #name; as an entity of its own, also where it is the end of HTML's.
    return escape(label, quote=False).replace('"', "#quot;").replace("\n", "<br/>")
