"""Which subjects are instructions: CommitPackFT's rules, one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from astrarium.data import read_rows
from astrarium.data.subjects import cleaned, unfit


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("Use a formatted string here", None),
        ("Fix the I/O of the greeting", None),
        ("Fix othello for the old users", None),
        ("Use a formatted string", "too short a subject"),
        ("Do a b c d", "too short a subject"),
        ("Use " + "x" * 1000 + " a b c", "too long a subject"),
        ("use a formatted string here", "no imperative subject"),
        ("Strings are formatted well again", "no imperative subject"),
        ("Add/remove a formatted string here", "no imperative subject"),
        ('Revert "Use a formatted string here"', "noise in the subject"),
        ("Merge the old into the new", "noise in the subject"),
        ("Make it do what I want", "noise in the subject"),
        ("Use what https://example.org says about it", "noise in the subject"),
        ("Fix hello.py for the old users", "the file's name in the subject"),
        ("Fix `hello` for the old users", "the file's name in the subject"),
        ("Make the code work on v1.2.3", "a reference or a version in the subject"),
        ("Bump the number of the greetings", "a reference or a version in the subject"),
        ("Fix the greeting as #12 asks", "a reference or a version in the subject"),
        ("Fix the greeting of bug 12", "a reference or a version in the subject"),
        ("Undo " + "0123456789" * 4 + " and the rest", "a reference or a version in the subject"),
    ],
)
def test_rules(subject: str, reason: str | None) -> None:
    assert unfit(subject, "src/hello.py") == reason


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        ("", ""),
        ("\n\n", ""),
        ("[core] Fix it [done]\n\nBecause.", "Fix it"),
        ("core: Fix  it [CI SKIP]", "Fix it"),
        ("  Fix it: all of it ", "Fix it: all of it"),
        ("[core]", ""),
    ],
)
def test_cleaning(message: str, subject: str) -> None:
    assert cleaned(message) == subject


def test_the_original_s_own_subjects_pass(shared: Path) -> None:
    rows = read_rows(shared / "data" / "instruct" / "oasst_commitpackft.jsonl")
    # Rows of commits carry the file before below the subject, and give back one that shares its beginning.
    subjects = []
    for row in rows:
        subject, _, before = row["prompt"].partition("\n")
        if len(before) > 100 and before[:20] == row["completion"][:20]:
            subjects.append(subject)
    assert len(subjects) > 200
    refused = {subject: reason for subject in subjects if (reason := unfit(subject, "unknown-file.py"))}
    assert len(refused) <= 0.02 * len(subjects), refused
