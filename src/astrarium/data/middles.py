"""Rows that teach filling in the middle."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from dataclasses import replace

from astrarium.core.errors import DataError
from astrarium.data.rows import Report, Row, Rows, kind

_LEAST_CHARACTERS = 40
"""Of a text that is worth cutting in three."""


def fill_in_middle(rows: Iterable[Row], rate: float, seed: int = 0) -> Rows:
    """Turn a share of the rows into text before, text after, and the middle between them.

    Each row is drawn by its own content and the seed, so that the same rows are drawn whatever stands beside them, and
    the drawn ones keep their place. A drawn row's text (its completion; a question is left out, since the code answers
    for itself) is cut at two places that are drawn evenly over its characters. Conversations, rows with a suffix
    already, and texts under 40 characters stay as they are. Marks are not written here: they belong to a base
    (`text.fim_prompt` puts them in as tokens), and a base without them cannot learn such rows.

    Args:
        rows: any rows.
        rate: the share, from 0 to 1, of rows that can be turned; the report counts them (`middles`).
        seed: of the draw and the cuts.

    Raises:
        DataError: a rate out of range.

    Source: Bavarian et al. 2022 (arXiv 2207.14255), section 3: cuts at the level of characters.
    """
    if not 0 <= rate <= 1:
        raise DataError(f"the share of rows to fill in the middle is {rate}; expected from 0 to 1")
    report = replace(rows.report) if isinstance(rows, Rows) else None
    turned, count = [], 0
    for row in rows:
        made = _turned(row, rate, seed)
        count += made is not None
        turned.append(row if made is None else made)
    result = Rows(turned, report or Report(looked_at=len(turned), kept=len(turned)))
    result.report.middles = count
    return result


def _turned(row: Row, rate: float, seed: int) -> Row | None:
    text = row["completion"]
    if kind(row) not in ("instruction", "text") or len(text) < _LEAST_CHARACTERS:
        return None
    content = f"{seed}\0{row['source']}\0{row['prompt']}\0{text}".encode("utf-8", "surrogatepass")
    drawn = random.Random(hashlib.sha256(content).digest())
    if drawn.random() >= rate:
        return None
    begin, end = sorted(drawn.sample(range(len(text)), 2))
    if not text[begin:end].strip():
        # A middle of blanks teaches nothing: it grows to the next end of a line, or to the row's last character.
        end = max(text.find("\n", end + 1), 0) or len(text) - 1
    if not text[begin:end].strip():
        return None
    return {**row, "prompt": text[:begin], "completion": text[begin:end], "suffix": text[end:]}
