"""Damaged files of rows: rows that can be written again, or one clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astrarium.core.errors import DataError
from astrarium.data import Row, digest, read_rows, write_rows
from tests.data.test_readers import GOOD, ROWS, written


@given(data=st.data(), ending=st.sampled_from([".jsonl", ".json", ".csv", ".parquet"]))
@settings(max_examples=200, deadline=None)
def test_damaged_files_give_rows_or_a_clear_error(data: st.DataObject, ending: str, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = bytearray(written(folder, ending).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / f"damaged{ending}"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    try:
        rows = read_rows(path)
    except DataError as error:
        assert path.name in str(error)
        return
    assert digest(rows)
    write_rows(folder / "again.jsonl", rows)
    assert list(read_rows(folder / "again.jsonl")) == list(rows)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", "[\n{},\n{]", r"x.json line 3: no JSON"),
        ("x.jsonl", "[" * 100_000, r"x.jsonl line 1: no JSON that can be read"),
        ("x.jsonl", GOOD + '{"prompt": "\\ud800", "completion": "b"}\n', r"line 2: column 'prompt' holds half a surr"),
        ("x.jsonl", GOOD + '{"prompt": "\\u0000", "completion": "b"}\n', r"line 2: column 'prompt' holds a NUL"),
        ("x.jsonl", '{"txt": "def f(): ..."}\n', r"x.jsonl line 1: no column 'prompt'; found 'txt'"),
        ("x.csv", "prompt,completion\na,b\nc\n", r"x.csv line 3: the row has 1 fields; expected 2"),
        ("x.csv", "prompt,prompt,completion\na,b,c\n", r"x.csv line 1: two columns have the name 'prompt'"),
        ("x.csv", 'prompt,completion\n"a\nb",\n', r"x.csv line 2: column 'completion' is empty"),
    ],
)
def test_faults_are_placed(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        read_rows(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "message"), [("", "the name of the rows is empty"), ("x" * 5000 + ".csv", "does not exist")]
)
def test_names_that_no_file_has(name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_rows(name)


def test_a_parquet_file_cut_short(tmp_path: Path) -> None:
    whole = written(tmp_path, ".parquet").read_bytes()
    for length in (4, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.parquet").write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"cut.parquet is no readable Parquet file"):
            read_rows(tmp_path / "cut.parquet")


def test_line_ends_within_a_field_of_a_csv_file_stay(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b'prompt,completion\r\n\r\n"a\r\nb","c\nd"\r\n')
    assert list(read_rows(tmp_path / "x.csv")) == [{"prompt": "a\r\nb", "completion": "c\nd", "source": "x.csv line 3"}]


def test_rows_that_cannot_be_written_leave_no_file(tmp_path: Path) -> None:
    rows: list[Row] = [*ROWS, {"prompt": "\ud800", "completion": "b", "source": ""}]
    with pytest.raises(DataError, match=r"row 10 holds half a surrogate pair \(U\+D800\)"):
        write_rows(tmp_path / "x.jsonl", rows)
    assert not list(tmp_path.iterdir())
