"""Rows for training and rows held back, so that no file is on both sides."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from astrarium.core.errors import DataError
from astrarium.data.rows import Row

_LINE = re.compile(r":\d+$| (?:line|row) \d+$")
_COMMIT = re.compile(r"^commit [0-9a-f]+ ")


def split_rows(rows: Sequence[Row], validation: float, seed: int = 0) -> tuple[list[Row], list[Row]]:
    """Hold rows back for validation.

    Rows of one source file stay together, so that a model is not judged on a file it has seen. Of rows without a
    source, and of rows read from one list (all of them of one file), those that begin with the same question stay
    together, so that it is not judged on a question it has seen answered. The order in which files are drawn follows
    from their names and the seed alone: where files are added, those that were held back tend to stay so.

    Args:
        rows: the rows; their order is kept on both sides.
        validation: the share to hold back, above 0 and below 1. No more than it is held back, except where the smallest
            file alone is more.
        seed: of the choice.

    Returns:
        Rows to train on, rows held back; at least one each.

    Raises:
        DataError: a share out of range, or fewer than two groups.
    """
    if not 0 < validation < 1:
        raise DataError(f"the share held back is {validation}; expected above 0 and below 1")
    names = [_group(row) for row in rows]
    if len(set(names)) < 2:
        names = [_content(row) for row in rows]
    sizes = Counter(names)
    if len(sizes) < 2:
        raise DataError(f"{len(rows)} rows cannot be split into training and validation; two different ones are needed")
    held = _chosen(sizes, max(1, round(validation * len(rows))), seed)
    pairs = list(zip(rows, names, strict=True))
    return [row for row, name in pairs if name not in held], [row for row, name in pairs if name in held]


def _group(row: Row) -> str:
    source = row.get("source")
    return _COMMIT.sub("", _LINE.sub("", source)) if source else _content(row)


def _content(row: Row) -> str:
    """What a row without a file begins with: a conversation's first message, a question, or a whole text."""
    beginning = row["messages"][0]["content"] if "messages" in row else row["prompt"]
    return _hash(beginning or row["completion"])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _chosen(sizes: Counter[str], wanted: int, seed: int) -> set[str]:
    """Groups of together at most `wanted` rows, drawn in turn, or the smallest where each is larger; never all."""
    groups = sorted(sizes, key=lambda group: _hash(f"{seed} {group}"))
    held: set[str] = set()
    count = 0
    for group in groups:
        if count + sizes[group] <= wanted and len(held) < len(groups) - 1:
            held.add(group)
            count += sizes[group]
    return held or {min(groups, key=lambda group: sizes[group])}
