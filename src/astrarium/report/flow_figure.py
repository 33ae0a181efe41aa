"""The way of a model through a script, as a diagram: what is made on which line, what uses it, what nothing uses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from astrarium.report.diagram import Arrow, Box, drawing, mermaid
from astrarium.report.figures import Figure


@dataclass(frozen=True, slots=True)
class Step:
    """One statement with a call in it."""

    line: int
    label: str
    source: str
    """The statement."""
    assigned: str | None
    """The variable it makes."""
    model: bool
    """Whether it makes or runs a model; the others (tokenizer, tensors) stand in a column of their own."""
    adapter: bool = False
    """Whether it attaches an adapter."""


def flow(steps: Sequence[Step]) -> tuple[str, Figure]:
    """The diagram in mermaid's language, and drawn."""
    made: dict[str, Step] = {}
    arrows: list[Arrow] = []
    last_of_column: dict[bool, int] = {}
    drawn: list[Arrow] = []
    used: set[int] = set()
    for step in steps:
        for name, maker in made.items():
            uses = re.search(rf"(?<![\w.\"']){re.escape(name)}\b(?!\s*=[^=])", _right_side(step))
            if uses:
                arrow = Arrow(f"n{maker.line}", f"n{step.line}", name)
                arrows.append(arrow)
                used.add(maker.line)
                next_below = maker.model != step.model or last_of_column.get(step.model) == maker.line
                drawn.append(arrow if next_below else replace(arrow, around=True))
        if step.assigned:
            made[step.assigned] = step
        last_of_column[step.model] = step.line
    boxes = [
        Box(f"n{step.line}", f"line {step.line}\n{step.label}", row, 0 if step.model else 1,
            "adapter" if step.adapter else "frozen" if step.model else "plain")
        for row, step in enumerate(steps)
    ]  # fmt: skip
    lost = [step for step in steps if step.adapter and step.line not in used]
    for step in lost:
        row = next(box.row for box in boxes if box.id == f"n{step.line}")
        boxes.append(Box(f"lost{step.line}", "thrown away:\nnothing uses it", row, 1))
        arrow = Arrow(f"n{step.line}", f"lost{step.line}")
        arrows.append(arrow)
        drawn.append(arrow)
    alt = "The script from top to bottom: " + "; ".join(f"line {step.line} {step.label}" for step in steps)
    if lost:
        alt += "; " + ", ".join(f"what line {step.line} makes is used by no later line" for step in lost)
    return mermaid(boxes, arrows), drawing(boxes, drawn, f"{alt}.")


def _right_side(step: Step) -> str:
    if step.assigned:
        return step.source.split("=", 1)[-1]
    return step.source
