"""Contestants in processes of their own: order, figures, failures."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import pytest

from astrarium.bench import protocol
from astrarium.bench.protocol import Contestant, is_noisy, play, spread

SMALL = Path(__file__).with_name("small_worker.py")


def small(name: str, *, fresh: bool = False, forget: Path | None = None, **work: Any) -> Contestant:
    return Contestant(name, (sys.executable, str(SMALL)), {"name": name, **work}, fresh=fresh, forget=forget)


def quiet(line: str) -> None:
    pass


def test_rounds_are_interleaved_after_one_warm_up_each_in_one_process(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    figures = {"a": [9.0, 1.0, 2.0, 6.0], "b": [9.0, 4.0, 4.0, 4.0]}
    sides = [small(name, figures=values, journal=str(journal)) for name, values in figures.items()]
    standing = play(sides, 3, quiet)
    names, processes = zip(*(line.split() for line in journal.read_text().splitlines()), strict=True)
    assert names == ("a", "b") * 4
    assert len(set(processes)) == 2
    assert standing.played["a"].all("rate") == [1.0, 2.0, 6.0]
    assert standing.played["a"].median("rate") == 2.0
    assert standing.played["a"].warm_up["rate"] == 9.0
    assert standing.played["a"].format == "bf16"
    assert not standing.missing


def test_a_fresh_contestant_has_a_new_process_a_round_and_its_caches_are_gone(tmp_path: Path) -> None:
    caches, journal = tmp_path / "caches", tmp_path / "journal"
    caches.mkdir()
    (caches / "file").write_text("old")
    standing = play([small("a", fresh=True, forget=caches, journal=str(journal), late=True)], 2, quiet)
    assert len({line.split()[1] for line in journal.read_text().splitlines()}) == 3
    assert not caches.exists()
    assert standing.played["a"].format == "int8"
    assert all(0 < seconds < 60 for seconds in standing.played["a"].all("since_start_s"))


def test_who_fails_is_missing_with_the_reason_and_the_others_play_on() -> None:
    sides = [
        small("importer", fails="start"),
        small("mortal", fails="die"),
        small("tired", figures=[1.0, 2.0]),
        Contestant("absent", ("/nowhere/python",), {}),
        Contestant("known", ("/nowhere/python",), {}, unavailable="is not part of the package"),
        small("steady", figures=[1.0, 2.0, 3.0]),
    ]
    standing = play(sides, 2, quiet)
    assert list(standing.played) == ["steady"]
    assert standing.missing["importer"] == "importer: ImportError: No module named 'something'"
    assert standing.missing["mortal"] == "mortal: ended with status 3: out of patience"
    assert standing.missing["tired"].startswith("tired: StopIteration")
    assert "/nowhere/python cannot be run" in standing.missing["absent"]
    assert standing.missing["known"] == "known: is not part of the package"


def test_without_a_warm_up_the_first_round_counts() -> None:
    side = dataclasses.replace(small("a", figures=[1.0, 2.0]), warms_up=False)
    assert play([side], 2, quiet).played["a"].all("rate") == [1.0, 2.0]


def test_who_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_ROUND_S", 0.5)
    assert play([small("a", fails="sleep")], 1, quiet).missing["a"] == "a: took longer than 0 s"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc")
def test_the_peak_of_anonymous_memory_is_seen() -> None:
    grown = 100_000_000
    played = play([small("a", fresh=True, grow=grown)], 1, quiet).played["a"]
    assert grown < played.median("peak_anon") < 3 * grown


def test_a_run_is_noisy_by_its_load_or_by_its_spread() -> None:
    assert spread([10.0, 10.5, 11.0]) == pytest.approx(1 / 10.5)
    assert spread([4.0]) == 0.0
    assert not is_noisy(0.3, [[100.0, 114.0], [5.0]])
    assert is_noisy(0.31, [[100.0]])
    assert is_noisy(0.0, [[100.0, 100.0], [90.0, 100.0, 106.0]])


def test_a_figure_that_is_not_given_is_named() -> None:
    played = play([small("a", figures=[1.0, 2.0])], 1, quiet).played["a"]
    with pytest.raises(protocol.BenchError, match="the worker gave no speed; it gave rate"):
        played.median("speed")
