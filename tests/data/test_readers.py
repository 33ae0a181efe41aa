"""Rows from files: every fault names the file and the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from astrarium.core.errors import DataError
from astrarium.data import Row, digest, read_rows, split_rows, write_rows

ROWS: list[Row] = [{"prompt": f"p {n}\n“x”", "completion": f"c, {n}", "source": f"f{n % 3}.py:{n}"} for n in range(9)]


def written(path: Path, ending: str) -> Path:
    path = path / f"rows{ending}"
    if ending == ".jsonl":
        write_rows(path, ROWS)
    elif ending == ".json":
        path.write_text(json.dumps({"rows": ROWS}))
    elif ending == ".csv":
        import csv

        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, ["prompt", "completion", "source"])
            writer.writeheader()
            writer.writerows(ROWS)
    else:
        parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    return path


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv", ".parquet"])
def test_every_form_gives_the_same_rows(ending: str, tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, ending))
    assert list(rows) == ROWS
    assert digest(rows) == digest(ROWS)


def test_the_shared_instructions(shared: Path) -> None:
    rows = read_rows(shared / "data" / "instruct" / "oasst_commitpackft.jsonl")
    assert len(rows) == 1178
    assert rows[6]["source"] == "oasst_commitpackft.jsonl line 7"


def test_other_columns_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"ask": "a", "answer": "b"}\r\n\n')
    assert list(read_rows(path, prompt_column="ask", completion_column="answer")) == [
        {"prompt": "a", "completion": "b", "source": "x.jsonl line 1"}
    ]


GOOD = '{"prompt": "a", "completion": "b"}\n'
FAULTS = [
    ("x.jsonl", GOOD * 6 + "{broken\n", r"x.jsonl line 7: no JSON"),
    ("x.jsonl", GOOD + "[1]\n", r"x.jsonl line 2: a row is a list; expected an object"),
    ("x.jsonl", GOOD + '{"prompt": "a"}\n', r"x.jsonl line 2: no column 'completion'; found 'prompt'"),
    ("x.jsonl", GOOD + '{"prompt": 5, "completion": "b"}\n', r"x.jsonl line 2: column 'prompt' holds a number"),
    ("x.jsonl", GOOD + '{"prompt": null, "completion": "b"}\n', r"column 'prompt' holds a null; expected text"),
    ("x.jsonl", GOOD + '{"prompt": "a", "completion": " "}\n', r"x.jsonl line 2: column 'completion' is empty"),
    ("x.jsonl", GOOD + '{"prompt": "a\0", "completion": "b"}\n', r"x.jsonl line 2: holds a NUL byte"),
    ("x.jsonl", GOOD.encode() + b'{"prompt": "\xff"}\n', r"x.jsonl line 2: no UTF-8 text"),
    ("x.jsonl", "", r"x.jsonl has no rows"),
    ("x.json", '{"a": 1}', r"x.json holds a object; expected a list of rows"),
    ("x.json", "[{]", r"x.json line 1: no JSON"),
    ("x.csv", "prompt,completion\na,b\nc\n", r"x.csv line 3: the row has 1 fields; expected 2"),
    ("x.csv", 'prompt,completion\n"a,b\n', r"x.csv line 2: no CSV"),
    ("x.csv", "", r"x.csv has no rows"),
    ("x.parquet", "PAR1 no", r"x.parquet is no readable Parquet file"),
    ("x.txt", GOOD, r"has the ending '.txt'; known are .jsonl"),
]


@pytest.mark.parametrize(("name", "content", "message"), FAULTS)
def test_faults(name: str, content: str | bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message):
        read_rows(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.jsonl does not exist"):
        read_rows(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match=r"is a folder; name a file of rows"):
        read_rows(tmp_path)
    with pytest.raises(DataError, match=r"owner/data is no file, and no data set that the hub gives"):
        read_rows("owner/data")


@given(content=st.binary(max_size=200), ending=st.sampled_from([".jsonl", ".json", ".csv", ".parquet"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_rows_or_a_clear_error(content: bytes, ending: str, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz{ending}"
    path.write_bytes(content)
    try:
        assert read_rows(path)
    except DataError as error:
        assert path.name in str(error)


@given(
    sources=st.lists(st.integers(0, 6), min_size=2, max_size=40),
    share=st.floats(0.05, 0.9),
    seed=st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_no_file_is_on_both_sides(sources: list[int], share: float, seed: int) -> None:
    rows: list[Row] = [
        {"prompt": f"p{at}", "completion": "c", "source": f"f{number}.py:{at}"} for at, number in enumerate(sources)
    ]
    kept, held = split_rows(rows, share, seed)
    assert kept
    assert held
    assert sorted(kept + held, key=str) == sorted(rows, key=str)
    assert (kept, held) == split_rows(rows, share, seed)
    if len(set(sources)) > 1:
        names = [{row["source"].split(":")[0] for row in part} for part in (kept, held)]
        assert not names[0] & names[1]


def test_splits_that_cannot_be_made() -> None:
    with pytest.raises(DataError, match="the share held back is 1.5; expected above 0 and below 1"):
        split_rows(ROWS, 1.5)
    with pytest.raises(DataError, match="1 rows cannot be split"):
        split_rows(ROWS[:1], 0.1)
