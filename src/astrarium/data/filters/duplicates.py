"""Rows that say nearly the same as one before them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any

from astrarium.core.errors import DataError
from astrarium.data.rows import Row, texts

_TOKEN = re.compile(r"\w+|[^\w\s]")
_SHINGLE = 5
"""Tokens."""
_PERMUTATIONS = 128
_SEED = 1
_WEIGHTS = (0.2, 0.8)
"""Of false candidates and of missed ones: a false one only costs a comparison."""
_REACH = 0.9
"""Candidates are sought below the threshold, because a sketch errs both ways."""
_COMMIT = re.compile(r"commit [0-9a-f]+ ")


class NearDuplicates:
    """Remembers rows, and knows one that is nearly one of them.

    Candidates come from MinHash and locality-sensitive hashing (Broder 1997; the datasketch library), and each is then
    compared in full: two rows are near-duplicates where the Jaccard similarity of their sets of five tokens in a row
    is at least the threshold. A pair at the threshold itself may be missed, one that is less alike is never taken.

    A row from a commit is compared by its subject and the lines it changes: two commits to one file share nearly all
    the rest of it.

    Args:
        threshold: above 0, at most 1.

    Raises:
        DataError: a threshold out of range.
    """

    def __init__(self, threshold: float) -> None:
        if not 0 < threshold <= 1:
            raise DataError(f"the similarity of near-duplicates is {threshold}; expected above 0 and at most 1")
        from datasketch import MinHashLSH

        self._threshold = threshold
        self._index = MinHashLSH(threshold=_REACH * threshold, num_perm=_PERMUTATIONS, weights=_WEIGHTS)
        self._kept: list[tuple[str, Any]] = []
        """Source and shingles."""

    def of(self, row: Row) -> str | None:
        """The source of an earlier row that this one nearly repeats; None where there is none, and it is remembered."""
        import numpy as np
        from datasketch import MinHash

        shingles = np.unique(np.array(_shingles(_compared(row)), dtype=np.uint32))
        sketch = MinHash(num_perm=_PERMUTATIONS, seed=_SEED, hashfunc=int)
        sketch.update_batch(shingles.tolist())
        for number in sorted(self._index.query(sketch)):  # the earliest first
            source, others = self._kept[number]
            common = len(np.intersect1d(shingles, others, assume_unique=True))
            if common >= self._threshold * (len(shingles) + len(others) - common):
                return str(source)
        self._index.insert(len(self._kept), sketch)
        self._kept.append((row["source"], shingles))
        return None


def _compared(row: Row) -> str:
    if _COMMIT.match(row["source"]) is None or "\n" not in row["prompt"]:
        return "\n".join(texts(row))
    subject, _, before = row["prompt"].partition("\n")
    old, new = before.split("\n"), row["completion"].split("\n")
    removed, added = Counter(old) - Counter(new), Counter(new) - Counter(old)
    changed = [f"- {line}" for line in old if line in removed] + [f"+ {line}" for line in new if line in added]
    return "\n".join([subject, *(changed or new)])


def _shingles(text: str) -> list[int]:
    tokens = _TOKEN.findall(text)
    pieces = [" ".join(tokens[at : at + _SHINGLE]) for at in range(max(1, len(tokens) - _SHINGLE + 1))]
    return [
        int.from_bytes(hashlib.blake2b(piece.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "little")
        for piece in pieces
    ]
