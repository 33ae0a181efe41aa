"""Rows to tune on: mined from repositories, read from files, split and digested. Imports no torch."""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.data.documented import functions
    from astrarium.data.history import commits
    from astrarium.data.readers import read_rows
    from astrarium.data.rows import Report, Row, Rows, digest, write_rows
    from astrarium.data.splits import split_rows

__all__ = ["Report", "Row", "Rows", "commits", "digest", "functions", "read_rows", "split_rows", "write_rows"]

__getattr__ = lazy_names(
    __name__,
    {
        "commits": ".history",
        "functions": ".documented",
        "read_rows": ".readers",
        "split_rows": ".splits",
        **dict.fromkeys(["Report", "Row", "Rows", "digest", "write_rows"], ".rows"),
    },
)
