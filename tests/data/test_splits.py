"""Splits: no file on both sides, and as many rows as were asked for."""

from __future__ import annotations

from astrarium.data import Row, split_rows


def rows_of(sources: list[str]) -> list[Row]:
    return [{"prompt": f"p{at}", "completion": "c", "source": source} for at, source in enumerate(sources)]


def test_no_more_than_the_share_is_held_back_where_the_files_allow_it() -> None:
    rows = rows_of([f"large.py:{n}" for n in range(90)] + [f"small{n}.py:1" for n in range(10)])
    for seed in range(20):
        assert len(split_rows(rows, 0.1, seed)[1]) == 10
        assert len(split_rows(rows, 0.05, seed)[1]) == 5
    assert [len(part) for part in split_rows(rows[:91], 0.5)] == [90, 1]


def test_both_sides_have_rows_where_nearly_all_are_to_be_held_back() -> None:
    kept, held = split_rows(rows_of(["a.py:1", "b.py:1", "c.py:1"]), 0.99)
    assert (len(kept), len(held)) == (1, 2)


def test_the_smallest_file_is_held_back_where_each_is_too_large() -> None:
    rows = rows_of([f"a.py:{n}" for n in range(6)] + [f"b.py:{n}" for n in range(4)])
    for seed in range(5):
        assert {row["source"][:4] for row in split_rows(rows, 0.1, seed)[1]} == {"b.py"}


def test_rows_without_a_source_are_split_one_by_one() -> None:
    rows = rows_of([""] * 18 + ["a.py:1", "a.py:2"])
    kept, held = split_rows(rows, 0.25)
    assert (len(kept), len(held)) == (15, 5)


def test_the_code_and_the_history_of_a_file_are_on_one_side() -> None:
    sources = ["pkg/a.py:1", "commit 0123456789ab pkg/a.py", "pkg/b.py:1", "commit 0123456789ab pkg/b.py"]
    kept, held = split_rows(rows_of(sources), 0.5)
    assert (len(kept), len(held)) == (2, 2)
    assert len({"a.py" in row["source"] for row in held}) == 1


def test_many_rows_are_split_at_once() -> None:
    rows = rows_of([f"f{n}.py:1" for n in range(50_000)])
    assert len(split_rows(rows, 0.2)[1]) == 10_000
