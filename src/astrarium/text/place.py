"""A place in a file, written FILE:LINE or FILE:LINE:COLUMN."""

from __future__ import annotations

import re
from pathlib import Path

from astrarium.core.errors import TextError
from astrarium.core.texts import read_utf8

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?")


def split_at(place: str) -> tuple[str, str]:
    """What stands before a place in a file, and what stands after it.

    Args:
        place: `FILE:LINE`, the end of that line, or `FILE:LINE:COLUMN`, before that character; both count from 1.

    Raises:
        TextError: not of that form, a file that cannot be read, or a line or column that it does not have.
    """
    parts = _PLACE.fullmatch(place)
    if parts is None:
        raise TextError(f"{place!r} is no place in a file; write it as FILE:LINE or FILE:LINE:COLUMN")
    text = read_utf8(Path(parts["file"]))
    lines = text.split("\n")  # form feeds and the like, at which Python splits too, end no line of an editor
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    number = int(parts["line"])
    if not 1 <= number <= len(lines):
        raise TextError(f"{parts['file']} has no line {number}; it has the lines 1 to {len(lines)}")
    line = lines[number - 1]
    width = len(line)
    column = width + 1 if parts["column"] is None else int(parts["column"])
    if not 1 <= column <= width + 1:
        raise TextError(f"{parts['file']} has no column {column} in line {number}; it has the columns 1 to {width + 1}")
    at = sum(len(before) + 1 for before in lines[: number - 1]) + column - 1
    return text[:at], text[at:]
