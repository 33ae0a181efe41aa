"""Rows from files and from the hub. Every fault names the file and the line."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from astrarium.core.errors import DataError
from astrarium.data.records import name_of, row_of
from astrarium.data.repository import exists
from astrarium.data.rows import Report, Rows

_Record = tuple[str, Any]
"""Where a record stands, such as `rows.jsonl line 7`, and what it is."""
_SUFFIXES = {
    ".jsonl": "_json_lines",
    ".jsonl.gz": "_json_lines",
    ".ndjson": "_json_lines",
    ".json": "_json",
    ".csv": "_csv",
    ".parquet": "_parquet",
}
_LISTS = ("rows", "data")
_MAX_CSV_FIELD = 1 << 24


def read_rows(
    where: str | Path,
    *,
    prompt_column: str = "prompt",
    completion_column: str = "completion",
    split: str = "train",
) -> Rows:
    """Read rows from JSONL, JSON, CSV, Parquet, or a data set on the hub.

    Each record's keys say what kind of row it is: `messages` (a conversation that ends in an answer), `prompt` and
    `completion` (with `suffix`: a middle to fill in), or `text`. See `Row`.

    Args:
        where: a file, or a hub id. A path that exists wins.
        prompt_column: the column with the prompts.
        completion_column: the column with the completions.
        split: which part of a hub data set to take.

    Raises:
        DataError: not found, not readable, empty, or a record that makes no row; with the file and the line.
    """
    records = read_records(where, split=split)
    rows, report = Rows(), Report()
    rows.report = report
    for at, record in records:
        row = row_of(at, record, prompt_column, completion_column)
        rows.append(row)
        report.looked_at += 1
        report.keep(row)
    if not rows:
        raise DataError(f"{where} has no rows")
    return rows


def read_records(where: str | Path, *, split: str = "train") -> Iterator[tuple[str, Any]]:
    """The records of a file or a hub data set, whatever their columns: where each stands, and what it is.

    Raises:
        DataError: not found or not readable.
    """
    if not str(where).strip():
        raise DataError("the name of the rows is empty; give a file or a data set on the hub")
    path = Path(where).expanduser()
    if exists(path) and path.is_dir():
        raise DataError(f"{where} is a folder; name a file of rows ({', '.join(_SUFFIXES)})")
    ending = "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else path.suffixes[-1:]).lower()
    if exists(path):
        reader = _SUFFIXES.get(ending)
        if reader is None:
            raise DataError(f"{where} has the ending {ending!r}; known are {', '.join(_SUFFIXES)}")
        if not path.is_file():
            raise DataError(f"{where} is neither a file nor a folder; name a file of rows")
        records = globals()[reader](path)
    elif ending in _SUFFIXES or str(where).count("/") > 1 or str(where).startswith((".", "/", "~")):
        raise DataError(f"{where} does not exist")
    else:
        records = _hub(str(where), split)
    try:
        yield from records
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is no whole gzip file: {error}") from error
    except OSError as error:
        raise DataError(f"{where} cannot be read: {error.strerror or error}") from error


def _json_lines(path: Path) -> Iterator[_Record]:
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            yield f"{path.name} line {number}", _parsed(line, path.name, number)


def _json(path: Path) -> Iterator[_Record]:
    value = _parsed("\n".join(_lines(path)), path.name, 1)
    if isinstance(value, dict):
        value = next((value[key] for key in _LISTS if isinstance(value.get(key), list)), value)
    if not isinstance(value, list):
        raise DataError(
            f"{path.name} holds a {name_of(value)}; expected a list of rows, or an object with 'rows' or 'data'"
        )
    for number, record in enumerate(value, 1):
        yield f"{path.name} row {number}", record


def _csv(path: Path) -> Iterator[_Record]:
    before = csv.field_size_limit(_MAX_CSV_FIELD)
    try:
        reader = csv.reader(_lines(path, ends=True), strict=True)
        columns = None
        while True:
            at = f"{path.name} line {reader.line_num + 1}"
            try:
                fields = next(reader, None)
            except csv.Error as error:
                raise DataError(f"{at}: no CSV ({error})") from error
            if fields is None:
                return
            if columns is None and fields:
                columns = _columns(fields, at)
            elif columns is not None and fields:
                if len(fields) != len(columns):
                    raise DataError(f"{at}: the row has {len(fields)} fields; expected {len(columns)}, one a column")
                yield at, dict(zip(columns, fields, strict=True))
    finally:
        csv.field_size_limit(before)


def _columns(names: list[str], at: str) -> list[str]:
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{at}: two columns have the name {name!r}")
    return names


def _parquet(path: Path) -> Iterator[_Record]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches():
                for record in batch.to_pylist():
                    number += 1
                    yield f"{path.name} row {number}", record
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path.name} is no readable Parquet file: {' '.join(str(error).split())[:200]}") from error


def _hub(name: str, split: str) -> Iterator[_Record]:
    from datasets import load_dataset
    from huggingface_hub import constants

    from astrarium.sources.hub import reachable

    if not constants.HF_HUB_OFFLINE and not reachable():
        raise DataError(
            f"{name} is no file here, and the hub at {constants.ENDPOINT} cannot be reached "
            "(HF_HUB_OFFLINE=1 takes what its cache holds)"
        )
    try:
        dataset = load_dataset(name, split=split)
    except Exception as error:  # datasets raises a dozen unrelated types
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{name} is no file, and no data set that the hub gives (split {split!r}): {reason}") from error
    for number, record in enumerate(dataset, 1):
        yield f"{name} row {number}", record


def _lines(path: Path, *, ends: bool = False) -> Iterator[str]:
    """The lines of a UTF-8 file, without a byte order mark, and without their ends unless those are asked for."""
    with gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError(f"{path.name} line {number}: no UTF-8 text ({error.reason})") from error
            if "\0" in text:
                raise DataError(f"{path.name} line {number}: holds a NUL byte; it is no text file")
            yield text if ends else text.rstrip("\r\n")


def _parsed(text: str, name: str, line: int) -> Any:
    """JSON text, the first line of which is line `line` of the file `name`."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = f"{name} line {line + error.lineno - 1}"
        raise DataError(f"{at}: no JSON ({error.msg}, column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} line {line}: no JSON that can be read ({error})") from error
