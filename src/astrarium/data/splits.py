"""Rows for training and rows held back, so that no file is on both sides."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence

from astrarium.core.errors import DataError
from astrarium.data.rows import Row

_LINE = re.compile(r":\d+$| (?:line|row) \d+$")
_COMMIT = re.compile(r"^commit [0-9a-f]+ ")


def split_rows(rows: Sequence[Row], validation: float, seed: int = 0) -> tuple[list[Row], list[Row]]:
    """Hold rows back for validation.

    Rows of one source file stay together, so that a model is not judged on a file it has seen. Rows read from one list
    (all of them of one file) are judged one by one.

    Args:
        rows: the rows; their order is kept on both sides.
        validation: the share to hold back, above 0 and below 1.
        seed: of the choice.

    Returns:
        Rows to train on, rows held back; at least one each.

    Raises:
        DataError: a share out of range, or fewer than two groups.
    """
    if not 0 < validation < 1:
        raise DataError(f"the share held back is {validation}; expected above 0 and below 1")
    names = [_COMMIT.sub("", _LINE.sub("", row["source"])) for row in rows]
    if len(set(names)) < 2:
        names = [hashlib.sha256((row["prompt"] + "\0" + row["completion"]).encode()).hexdigest() for row in rows]
    groups = sorted(set(names))
    if len(groups) < 2:
        raise DataError(f"{len(rows)} rows cannot be split into training and validation; two different ones are needed")
    random.Random(seed).shuffle(groups)
    wanted = max(1, round(validation * len(rows)))
    held: set[str] = set()
    count = 0
    for group in groups[:-1]:
        if count >= wanted:
            break
        held.add(group)
        count += names.count(group)
    pairs = list(zip(rows, names, strict=True))
    return [row for row, name in pairs if name not in held], [row for row, name in pairs if name in held]
