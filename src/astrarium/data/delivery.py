"""Rows brought to their place: middles, the two sides of a split, the files, the digests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astrarium.core.errors import DataError
from astrarium.data.middles import fill_in_middle
from astrarium.data.rows import Report, Row, Rows, digest, write_rows
from astrarium.data.splits import split_rows


@dataclass(frozen=True, slots=True)
class Delivery:
    """Rows as they were written."""

    rows: Rows
    """To train on."""
    held: list[Row]
    """Held back for validation; empty where nothing was to be."""
    output: Path | None
    validation_output: Path | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON: where the rows went, their digests, and the report."""
        found: dict[str, Any] = {"output": str(self.output), "rows": len(self.rows), "digest": digest(self.rows)}
        if self.validation_output is not None:
            found["validation"] = {
                "output": str(self.validation_output),
                "rows": len(self.held),
                "digest": digest(self.held),
            }
        return {**found, **self.report.to_dict()}

    @property
    def report(self) -> Report:
        """How the rows came about."""
        return self.rows.report


def deliver(
    rows: Rows, output: str | Path | None, *, validation: float | None = None, fim_rate: float = 0.0, seed: int = 0
) -> Delivery:
    """Turn a share of rows into middles, hold another share back, and write both.

    Args:
        rows: the rows.
        output: the file of the rows to train on; None writes nothing. Those held back go beside it, into
            `<its name>.validation.jsonl`.
        validation: the share to hold back, by files (see `split_rows`); None holds nothing back.
        fim_rate: the share to turn into middles (see `fill_in_middle`).
        seed: of both.

    Raises:
        DataError: a share out of range, rows that cannot be split or written, a split without an output.
    """
    if validation is not None and output is None:
        raise DataError("rows that are held back need a file of their own; name an output")
    # Split first: which rows are held back must not depend on which became middles.
    kept, held = split_rows(rows, validation, seed) if validation is not None else (list(rows), [])
    training = fill_in_middle(Rows(kept, rows.report), fim_rate, seed)
    beside = fill_in_middle(held, fim_rate, seed)
    training.report.middles += beside.report.middles
    path = None if output is None else Path(output)
    other = None if path is None or validation is None else path.with_name(f"{path.stem}.validation.jsonl")
    for part, place in ((training, path), (beside, other)):
        if place is not None:
            write_rows(place, part)
    return Delivery(training, list(beside), path, other)
