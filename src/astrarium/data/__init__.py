"""Rows to tune on: mined from repositories, read from files, filtered, split and digested. Imports no torch."""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.data.documented import FunctionLimits, functions
    from astrarium.data.filters.licences import PERMISSIVE
    from astrarium.data.filters.sieve import NO_FILTERS, Filters, filter_rows
    from astrarium.data.history import CommitLimits, commits
    from astrarium.data.middles import fill_in_middle
    from astrarium.data.readers import read_rows
    from astrarium.data.rows import Message, Report, Row, Rows, digest, kind, write_rows
    from astrarium.data.splits import split_rows

__all__ = [
    "NO_FILTERS",
    "PERMISSIVE",
    "CommitLimits",
    "Filters",
    "FunctionLimits",
    "Message",
    "Report",
    "Row",
    "Rows",
    "commits",
    "digest",
    "fill_in_middle",
    "filter_rows",
    "functions",
    "kind",
    "read_rows",
    "split_rows",
    "write_rows",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        **dict.fromkeys(["CommitLimits", "commits"], ".history"),
        **dict.fromkeys(["FunctionLimits", "functions"], ".documented"),
        **dict.fromkeys(["NO_FILTERS", "Filters", "filter_rows"], ".filters.sieve"),
        "PERMISSIVE": ".filters.licences",
        "fill_in_middle": ".middles",
        "read_rows": ".readers",
        "split_rows": ".splits",
        **dict.fromkeys(["Message", "Report", "Row", "Rows", "digest", "kind", "write_rows"], ".rows"),
    },
)
