"""Rows of conversations, plain text and middles: read, refused with their place, written and read again."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from astrarium.core.errors import DataError
from astrarium.data import Row, Rows, digest, fill_in_middle, kind, read_rows, split_rows, write_rows
from astrarium.data.delivery import deliver

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is it?"},
    {"role": "assistant", "content": "A lamp."},
    {"role": "user", "content": "Whose?"},
    {"role": "assistant", "content": "Mine."},
]
RECORDS: list[dict[str, Any]] = [
    {"messages": CHAT},
    {"text": "def f():\n    return 1\n", "licence": "MIT"},
    {"prompt": "a", "completion": "b", "language": "go"},
    {"prompt": "", "completion": "middle", "suffix": " end"},
]


def written(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_each_kind_is_read_and_read_again(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path / "x.jsonl", *RECORDS))
    assert [kind(row) for row in rows] == ["chat", "text", "instruction", "fim"]
    assert (rows[0]["prompt"], rows[0]["completion"]) == ("Whose?", "Mine.")
    assert rows[0]["messages"] == CHAT
    assert (rows[1]["prompt"], rows[1]["licence"]) == ("", "MIT")
    assert rows[2]["language"] == "go"
    assert rows[3]["suffix"] == " end"
    write_rows(tmp_path / "again.jsonl", rows)
    again = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().splitlines()]
    assert [{**record, "source": row["source"]} for record, row in zip(RECORDS, rows, strict=True)] == again
    assert list(read_rows(tmp_path / "again.jsonl")) == list(rows)


def test_one_table_of_all_kinds_and_a_packed_file(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(RECORDS, schema=pyarrow.schema(
        [("messages", pyarrow.list_(pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.string())])))]
        + [(name, pyarrow.string()) for name in ("text", "prompt", "completion", "suffix")]
    )), path)  # fmt: skip
    assert [kind(row) for row in read_rows(path)] == ["chat", "text", "instruction", "fim"]
    with gzip.open(tmp_path / "x.jsonl.gz", "wt") as file:
        file.write(json.dumps(RECORDS[2]) + "\n")
    assert len(read_rows(tmp_path / "x.jsonl.gz")) == 1
    whole = (tmp_path / "x.jsonl.gz").read_bytes()
    for broken in (whole[:-9], b"no gzip", whole[:-6] + b"\xff" + whole[-5:]):
        (tmp_path / "y.jsonl.gz").write_bytes(broken)
        with pytest.raises(DataError, match=r"y.jsonl.gz"):
            read_rows(tmp_path / "y.jsonl.gz")


def turns(*roles: str) -> list[dict[str, str]]:
    return [{"role": role, "content": "x"} for role in roles]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"messages": "hello"}, "column 'messages' holds a text; expected a list of messages"),
        ({"messages": []}, "column 'messages' has no answer at its end .it is empty."),
        ({"messages": ["hello"]}, "message 1 is a text; expected an object with 'role' and 'content'"),
        ({"messages": [{"role": "user"}]}, "message 1 has no 'content'; found 'role'"),
        ({"messages": [{"from": "human", "value": "x"}]}, "message 1 has no 'role'; found 'from', 'value'"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "message 1 has the role 'tool'; expected system, user, ass"),
        ({"messages": [{"role": 3, "content": "x"}]}, "message 1 has the role a number; expected system"),
        ({"messages": [{"role": "user", "content": None}]}, "message 1, 'content', holds a null; expected text"),
        ({"messages": [{"role": "user", "content": " "}]}, "message 1, 'content', is empty"),
        (
            {"messages": turns("user")},
            "column .messages. has no answer at its end .the last of 1 messages is the user's.",
        ),
        ({"messages": turns("system", "assistant")}, "message 2 is the assistant's; expected the user's"),
        ({"messages": turns("user", "user")}, "message 2 is the user's; expected the assistant's"),
        ({"messages": turns("user", "assistant", "system")}, "message 3 is the system's; expected the user's"),
        ({"text": 5}, "column 'text' holds a number; expected text"),
        ({"text": ""}, "column 'text' is empty"),
        ({"text": None}, "no column 'prompt'; found 'text' .*'messages' or 'text' would do too"),
        ({}, "no column 'prompt'; found none"),
        ({"prompt": "a", "completion": "b", "suffix": 4}, "column 'suffix' holds a number; expected text"),
        ({"prompt": None, "completion": "b"}, "column 'prompt' holds a null"),
        ("text", "a row is a text; expected an object with 'prompt' and 'completion', with 'messages', or with 'text'"),
    ],
)
def test_faults_name_the_line(record: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"^x.jsonl line 2: {message}"):
        read_rows(written(tmp_path / "x.jsonl", {"text": "a"}, record))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.sampled_from(["user", "assistant", "x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["role", "content", "messages", "text", "prompt"]), inner, max_size=4)
    ),
    max_leaves=12,
)
COLUMNS = ["messages", "text", "prompt", "completion", "suffix", "source", "licence", "license", "language"]


@given(
    records=st.lists(st.dictionaries(st.sampled_from(COLUMNS), JSON, max_size=5) | JSON, min_size=1, max_size=3),
    roles=st.lists(st.sampled_from(["system", "user", "assistant"]), max_size=5),
)
@settings(max_examples=250, deadline=None)
def test_any_records_give_rows_or_a_clear_error(
    records: list[Any], roles: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = written(folder / "kinds.jsonl", {"messages": turns(*roles)} if roles else RECORDS[0], *records)
    try:
        rows = read_rows(path)
    except DataError as error:
        assert str(error).startswith("kinds.jsonl line ")
        return
    assert len(rows) == 1 + len(records)
    write_rows(folder / "kinds-again.jsonl", rows)
    assert digest(read_rows(folder / "kinds-again.jsonl")) == digest(rows)


TEXTS = st.text(alphabet="ab \n\t", min_size=1, max_size=120).filter(str.strip)


@given(texts=st.lists(TEXTS, min_size=1, max_size=12), rate=st.floats(0, 1), seed=st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_middles_are_cuts_of_the_text(texts: list[str], rate: float, seed: int) -> None:
    rows: list[Row] = [{"prompt": f"q{n}", "completion": text, "source": f"{n}"} for n, text in enumerate(texts)]
    made = fill_in_middle(rows, rate, seed)
    assert made == fill_in_middle(rows, rate, seed)
    assert len(made) == len(rows)
    for before, after in zip(rows, made, strict=True):
        if "suffix" not in after:
            assert after == before
            continue
        assert after["prompt"] + after["completion"] + after["suffix"] == before["completion"]
        assert after["completion"].strip()
        assert after["suffix"]
    assert made.report.middles == sum("suffix" in row for row in made)


def test_the_share_of_middles_and_which_rows_are_drawn() -> None:
    rows: list[Row] = [{"prompt": "q", "completion": f"line {n}\n" * 9, "source": f"{n}"} for n in range(2000)]
    made = fill_in_middle(rows, 0.3, seed=1)
    assert 540 <= made.report.middles <= 660  # four standard deviations are 82
    drawn = {row["source"] for row in made if "suffix" in row}
    assert {row["source"] for row in fill_in_middle(rows[500:900], 0.3, 1) if "suffix" in row} <= drawn
    assert drawn != {row["source"] for row in fill_in_middle(rows, 0.3, 2) if "suffix" in row}
    assert fill_in_middle(rows, 1.0).report.middles == 2000
    with pytest.raises(DataError, match="to fill in the middle is 1.2; expected from 0 to 1"):
        fill_in_middle(rows, 1.2)


def test_conversations_and_short_texts_stay_as_they_are(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path / "x.jsonl", *RECORDS))
    assert list(fill_in_middle(rows, 1.0)) == list(rows)


def test_one_question_is_on_one_side() -> None:
    rows: list[Row] = [
        {"prompt": f"question {n % 20}", "completion": f"answer {n}", "source": f"x.jsonl line {n}"} for n in range(100)
    ]
    for seed in range(5):
        kept, held = split_rows(rows, 0.2, seed)
        assert len(held) == 20
        assert not {row["prompt"] for row in kept} & {row["prompt"] for row in held}


def test_files_that_were_held_back_stay_so_as_a_repository_grows() -> None:
    rows: list[Row] = [{"prompt": "q", "completion": "a", "source": f"f{n}.py:1"} for n in range(220)]
    first = {row["source"] for row in split_rows(rows[:200], 0.2)[1]}
    later = {row["source"] for row in split_rows(rows, 0.2)[1]}
    assert len(first & later) >= 36  # of 40; a fresh draw would keep about 8


def test_rows_are_delivered_on_two_sides(tmp_path: Path) -> None:
    rows = Rows({"prompt": f"q{n}", "completion": f"line {n}\n" * 9, "source": f"f{n}.py:1"} for n in range(50))
    done = deliver(rows, tmp_path / "rows.jsonl", validation=0.2, fim_rate=0.5)
    assert (len(done.rows), len(done.held)) == (40, 10)
    assert list(read_rows(tmp_path / "rows.jsonl")) == list(done.rows)
    assert list(read_rows(tmp_path / "rows.validation.jsonl")) == done.held
    found = done.to_dict()
    assert found["digest"] == digest(done.rows)
    assert found["validation"]["digest"] == digest(done.held)
    assert found["middles"] == sum("suffix" in row for row in [*done.rows, *done.held])
    plain = deliver(rows, None, validation=None)
    assert list(plain.rows) == list(rows)
    sides = [{row["source"] for row in part} for part in (done.rows, done.held)]
    again = deliver(rows, tmp_path / "rows.jsonl", validation=0.2)
    assert [{row["source"] for row in part} for part in (again.rows, again.held)] == sides
    with pytest.raises(DataError, match="need a file of their own; name an output"):
        deliver(rows, None, validation=0.2)
