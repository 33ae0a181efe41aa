"""All filters in one: why a row is dropped, or that it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from astrarium.data.filters.contamination import Tasks
from astrarium.data.filters.duplicates import NearDuplicates
from astrarium.data.filters.licences import PERMISSIVE, known_licence, permits
from astrarium.data.filters.secrets import secret_in
from astrarium.data.rows import NO_LICENCE, Report, Row, Rows, texts

_SHOWN = 5
"""Rows of a kind that are named one by one."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What rows are dropped for. By default all of it."""

    any_licence: bool = False
    """Keep rows whatever their licence; else those under a licence that is not permissive are dropped."""
    allow_licences: tuple[str, ...] = ()
    """SPDX names of more licences to keep, such as `GPL-3.0-only`."""
    licensed_only: bool = False
    """Drop rows for which no licence was found; else they are kept, and counted."""
    secrets: bool = True
    """Drop rows with private keys and tokens."""
    near_duplicates: float | None = 0.8
    """Drop rows of which an earlier one has this Jaccard similarity; None keeps all."""
    humaneval: bool = True
    """Drop rows that hold a task of HumanEval."""
    tasks: tuple[str | Path, ...] = ()
    """Files of more tasks that rows must not hold: JSONL (`.gz` too), JSON, CSV or Parquet, with any columns."""


NO_FILTERS = Filters(any_licence=True, secrets=False, near_duplicates=None, humaneval=False)


class Sieve:
    """Judges rows one after another; it remembers those it lets through.

    Raises:
        DataError: an unknown licence, a threshold out of range, a file of tasks that cannot be read.
    """

    def __init__(self, filters: Filters, report: Report) -> None:
        self._filters = filters
        self._report = report
        self._allowed = PERMISSIVE | {known_licence(name) for name in filters.allow_licences}
        self._verdicts: dict[str, bool] = {}
        self._tasks = Tasks.of(filters.humaneval, filters.tasks) if filters.humaneval or filters.tasks else None
        self._near = None if filters.near_duplicates is None else NearDuplicates(filters.near_duplicates)
        self._contaminated = 0

    def reason(self, row: Row) -> str | None:
        """Why a row is dropped; None where it is kept."""
        if (reason := self.against_licence(row.get("licence"))) is not None:
            return reason
        if self._filters.secrets:
            for text in texts(row):
                if (secret := secret_in(text)) is not None:
                    return f"with a secret ({secret})"
        if self._tasks is not None and (found := self._tasks.in_row(row)) is not None:
            self._name(row, *found)
            return "with a task of a benchmark in it"
        if self._near is not None and self._near.of(row) is not None:
            return "nearly the same as another"
        return None

    def against_licence(self, licence: str | None) -> str | None:
        """Why code under a licence (None: no licence was found) is dropped; None where it is kept."""
        if self._filters.any_licence:
            return None
        if licence is None:
            return "without a licence" if self._filters.licensed_only else None
        if licence not in self._verdicts:
            self._verdicts[licence] = permits(licence, self._allowed)
        return None if self._verdicts[licence] else f"under a licence that is not permissive ({licence})"

    def close(self) -> None:
        """Say in the report what its counts do not."""
        if self._contaminated > _SHOWN:
            self._report.notes.append(f"… and {self._contaminated - _SHOWN} more rows with a task in them")
        unknown = self._report.licences[NO_LICENCE]
        if unknown and not self._filters.any_licence:
            self._report.notes.append(
                f"no licence was found for {unknown} of {self._report.kept} rows; they are kept "
                "(--licensed-only drops them)"
            )

    def _name(self, row: Row, task: str, words: str) -> None:
        self._contaminated += 1
        if self._contaminated <= _SHOWN:
            self._report.notes.append(f"{row['source']} has these words of {task}: {words}")


def filter_rows(rows: Iterable[Row], filters: Filters | None = None) -> Rows:
    """Rows without those that a filter drops; the report says how many and why.

    A row's licence is the one it names. Of rows that say nearly the same the first is kept.

    Args:
        rows: any rows.
        filters: what to drop them for; by default everything that `Filters` knows.

    Raises:
        DataError: see `Sieve`.
    """
    kept, report = Rows(), Report()
    kept.report = report
    sieve = Sieve(filters or Filters(), report)
    for row in rows:
        report.looked_at += 1
        if (reason := sieve.reason(row)) is not None:
            report.drop(reason)
            continue
        kept.append(row)
        report.keep(row)
    sieve.close()
    return kept
