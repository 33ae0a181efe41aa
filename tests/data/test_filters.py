"""Near-duplicates, benchmarks' tasks, and all filters together."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astrarium.core.errors import DataError
from astrarium.data import NO_FILTERS, Filters, Row, commits, digest, filter_rows, functions
from astrarium.data.filters.contamination import Tasks
from astrarium.data.filters.duplicates import NearDuplicates
from tests.data.repositories import Repository
from tests.data.test_odd_repositories import BEFORE

NEAR_ONLY = Filters(any_licence=True, secrets=False, humaneval=False)
WORDS = [f"w{number}" for number in range(400)]


def row(prompt: str, completion: str, source: str = "a.py:1") -> Row:
    return {"prompt": prompt, "completion": completion, "source": source}


def similarity(one: str, other: str) -> float:
    """Jaccard's, of five words in a row: the slow and plain way."""
    sets = [{tuple(text.split()[at : at + 5]) for at in range(len(text.split()) - 4)} for text in (one, other)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@given(changes=st.integers(0, 12), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_what_is_less_alike_stays_and_what_is_more_alike_goes(changes: int, seed: int) -> None:
    draw = random.Random(seed)
    first = [draw.choice(WORDS) for _ in range(200)]
    second = list(first)
    for place in draw.sample(range(200), changes):
        second[place] = "changed"
    texts = [" ".join(words) for words in (first, second)]
    near = NearDuplicates(0.8)
    assert near.of(row("", texts[0], "one")) is None
    found = near.of(row("", texts[1], "two"))
    alike = similarity(*texts)
    if alike < 0.8:
        assert found is None
    elif alike > 0.9:  # between the two MinHash may miss a pair
        assert found == "one"


def test_most_pairs_just_above_the_threshold_are_found() -> None:
    draw = random.Random(3)
    found = count = 0
    while count < 60:
        first = [draw.choice(WORDS) for _ in range(200)]
        second = list(first)
        for place in draw.sample(range(200), 4):
            second[place] = "changed"
        if not 0.8 <= similarity(" ".join(first), " ".join(second)) < 0.9:
            continue
        near = NearDuplicates(0.8)
        near.of(row("", " ".join(first)))
        found += near.of(row("", " ".join(second))) is not None
        count += 1
    assert found >= 57


def test_the_first_of_several_is_kept_and_order_decides() -> None:
    base = "def area(radius):\n    square = radius * radius\n    return 3.14159 * square + offset(radius, square)\n" * 3
    rows = [row("Write it", base + f"# {name}\n", name) for name in ("x", "y", "z")]
    assert [one["source"] for one in filter_rows(rows, NEAR_ONLY)] == ["x"]
    assert [one["source"] for one in filter_rows(rows[::-1], NEAR_ONLY)] == ["z"]
    assert digest(filter_rows(rows, NEAR_ONLY)) == digest(filter_rows(rows, NEAR_ONLY))


def test_commits_to_one_file_are_compared_by_what_they_change(tmp_path: Path) -> None:
    made = Repository(tmp_path)
    made.commit("Begin", {"a.py": BEFORE, "b.py": BEFORE + "b = 1\n"})
    made.commit("Add the first of the numbers", {"a.py": BEFORE + "numbers = [1, 2, 3]\n"})
    made.commit("Use another greeting for all of them", {"a.py": BEFORE.replace("hello", "good morning")})
    assert len(commits(tmp_path, filters=NEAR_ONLY)) == 2
    copied = BEFORE.replace("hello", "good morning")
    made.commit("Begin again", {"b.py": BEFORE})
    made.commit("Use another greeting for all of them", {"b.py": copied})
    made.commit("Begin once more", {"c.py": BEFORE + "c = 2\n"})
    made.commit("Use another greeting for all of them", {"c.py": copied + "c = 2\n"})
    rows = commits(tmp_path, filters=NEAR_ONLY)
    assert rows.report.dropped["nearly the same as another"] == 1
    assert [one["source"][-4:] for one in rows] == ["c.py", "a.py", "a.py"]
    assert len(commits(tmp_path, filters=NO_FILTERS)) == 4


@pytest.mark.parametrize("threshold", [0, -1, 1.5])
def test_thresholds_out_of_range(threshold: float) -> None:
    with pytest.raises(DataError, match=f"the similarity of near-duplicates is {threshold}; expected above 0"):
        filter_rows([], Filters(near_duplicates=threshold))


def test_a_threshold_of_one_drops_copies_alone() -> None:
    rows = [row("a b c d e f", "g h"), row("a b c d e f", "g h"), row("a b c d e f", "g i")]
    assert len(filter_rows(rows, Filters(near_duplicates=1.0))) == 2


TASK = {
    "task_id": "Own/1",
    "text": "Count the lanterns that shine brighter than every lantern hung to the left of theirs.",
    "code": "def lanterns(row):\n    best, shining = -1, 0\n    for light in row:\n        shining += light > best\n",
    "test_list": ["assert lanterns([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]) == 13"],
}


def written(path: Path, *tasks: object) -> Path:
    path.write_text("".join(json.dumps(task) + "\n" for task in tasks))
    return path


def test_tasks_of_a_file_are_found_in_any_layout(tmp_path: Path) -> None:
    filters = Filters(humaneval=False, tasks=(written(tmp_path / "own.jsonl", TASK),))
    rows = [
        row("Please count the LANTERNS that\n  shine brighter than every lantern hung to the left.", "pass", "prompt"),
        row("Go", "best, shining=-1,0\nfor light in row:\n    shining+=light>best  # count", "code"),
        row("Count the lanterns that shine brighter than all others.", "return max(row)", "other"),
        row("Go", "numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]", "numbers"),
    ]
    kept = filter_rows(rows, filters)
    assert [one["source"] for one in kept] == ["other", "numbers"]
    assert kept.report.dropped == {"with a task of a benchmark in it": 2}
    assert kept.report.notes[0].startswith("prompt has these words of own.jsonl Own/1: count the lanterns that")


def test_words_of_three_tasks_are_no_sign_of_one(tmp_path: Path) -> None:
    frame = "import os sys json re then define the solution class with its main entry"
    tasks = [{"task_id": f"T/{n}", "prompt": f"{frame} {' '.join(WORDS[n * 20 : n * 20 + 12])}"} for n in range(3)]
    found = Tasks.of(False, [written(tmp_path / "t.jsonl", *tasks)])
    assert found.in_row(row(frame, "x")) is None
    assert found.in_row(row(" ".join(WORDS[20:30]), "x")) == ("t.jsonl T/1", " ".join(WORDS[20:30]))


def test_files_that_hold_no_tasks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t.jsonl has no tasks to look for: none of its texts has 10 words"):
        Tasks.of(False, [written(tmp_path / "t.jsonl", {"prompt": "too short"})])
    with pytest.raises(DataError, match=r"none.jsonl does not exist"):
        Tasks.of(False, [tmp_path / "none.jsonl"])


@pytest.mark.parametrize("language", ["python", "js", "java", "go", "cpp", "rust"])
def test_every_task_of_humaneval_is_found_again(language: str, shared: Path) -> None:
    path = shared / "data" / "humanevalpack" / f"{language}.jsonl"
    tasks = Tasks.of(False, [path])
    records = [json.loads(line) for line in path.read_text().splitlines()]
    whole = [row("Solve it", record["prompt"] + record["canonical_solution"]) for record in records]
    assert all(tasks.in_row(one) for one in whole)
    alone = sum(tasks.in_row(row("Solve it", record["canonical_solution"])) is not None for record in records)
    assert alone >= 138  # of 164: the other solutions are one short line


def test_humaneval_itself_is_there_and_its_solutions_are_dropped(shared: Path) -> None:
    lines = (shared / "data" / "humanevalpack" / "python.jsonl").read_text().splitlines()
    rows = [row("Solve it", task["prompt"] + task["canonical_solution"]) for task in map(json.loads, lines)]
    assert filter_rows(rows).report.dropped["with a task of a benchmark in it"] == 164


def test_real_rows_lose_few(shared: Path) -> None:
    from astrarium.data import read_rows

    rows = filter_rows(read_rows(shared / "data" / "instruct" / "oasst_commitpackft.jsonl"))
    assert dict(rows.report.dropped) == {"nearly the same as another": 2, "with a task of a benchmark in it": 2}


def test_a_limit_counts_what_is_kept(tmp_path: Path) -> None:
    body = 'def {0}(x):\n    """Compute the {0} of it."""\n    y = x + {1}\n    return y * {1} + {2}\n'
    secret = '"ghp_' + "Ab3" * 12 + '"'
    (tmp_path / "a.py").write_text(body.format("one", secret, 1) + body.format("two", 2, "len(str(x).split())"))
    (tmp_path / "b.py").write_text(body.format("three", "abs(x) ** 3", "int(x)"))
    rows = functions(tmp_path, limit=1)
    assert [one["source"] for one in rows] == ["a.py:5"]
    assert rows.report.dropped == {"with a secret (GitHub Token)": 1}
