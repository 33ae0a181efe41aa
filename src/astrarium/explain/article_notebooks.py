"""A notebook's reading as an article tells it: the code cells one below the other, the lines counted through."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from astrarium.explain.reading import Reading

HEADING = re.compile(r"# cell \d+")
"""Of a cell, where the cells are joined."""


def as_script(reading: Reading) -> Reading:
    """The reading of a notebook, with its cells joined and each line counted from the top; any other as it is."""
    cells = _cells(reading.original)
    if not cells or not reading.text.startswith("# %%"):
        return reading
    firsts: dict[int, int] = {}
    line = 1
    for number, code in cells.items():
        firsts[number] = line  # of its heading; its code begins below
        line += code.count("\n") + 2
    joined = _joined(cells)
    mended = _cells(reading.mended)
    findings = tuple(
        replace(
            one,
            line=one.line + firsts[one.cell],
            end_line=(one.end_line or one.line) + firsts[one.cell],
            cell=None,
            message=_counted(one.message, firsts),
            mend=_counted(one.mend, firsts),
        )
        for one in reading.findings
        if one.cell in firsts
    )
    calls = tuple(
        replace(call, line=call.line + firsts[call.cell], end_line=call.end_line + firsts[call.cell], cell=None)
        for call in reading.calls
        if call.cell in firsts
    )
    note = "the lines are counted through all cells of code; `# cell N` stands where one begins"
    return replace(
        reading, text=joined, original=joined, mended=_joined(mended) if mended else joined, findings=findings,
        calls=calls, notes=(*reading.notes, note),
    )  # fmt: skip


def _counted(text: str, firsts: Mapping[int, int]) -> str:
    """A sentence whose lines of cells are counted from the top."""
    return re.sub(
        r"\bline (\d+) of cell (\d+)\b", lambda found: f"line {int(found[1]) + firsts.get(int(found[2]), 0)}", text
    )


def _cells(notebook: str) -> dict[int, str]:
    """Number of each code cell among all cells, and its code; empty for what is no notebook."""
    try:
        content = json.loads(notebook)
    except ValueError:
        return {}
    cells = content.get("cells") if isinstance(content, dict) else None
    return {
        number: _code(cell)
        for number, cell in enumerate(cells if isinstance(cells, list) else (), 1)
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
    }


def _code(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _joined(cells: Mapping[int, str]) -> str:
    return "".join(f"# cell {number}\n{code}\n" for number, code in cells.items())
