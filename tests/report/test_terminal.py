"""Recordings of a terminal, and the picture that plays them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from astrarium.core.errors import ReportError
from astrarium.report import Recording, read_recording, write_recording
from astrarium.report.recorder import record
from astrarium.report.terminal import animated, shown_lines


def test_a_real_run_is_recorded_and_read_again(tmp_path: Path) -> None:
    made = record(["printf 'one\\ntwo\\rTWO\\n\\033[31mröt\\033[0m\\n'"], tmp_path, title="t")
    write_recording(tmp_path / "a.cast", made)
    again = read_recording(tmp_path / "a.cast")
    assert again.title == "t"
    lines = [line for _, line in shown_lines(again)]
    assert lines[1:3] == ["one", "TWO"]
    assert "röt" in lines[3]
    picture = animated(again, "what it shows")
    ElementTree.fromstring(picture)
    assert ">röt</tspan>" in picture
    assert "prefers-reduced-motion" in picture


def test_long_waits_are_shortened(tmp_path: Path) -> None:
    slow = animated(Recording(20, ((0.0, "a\n"), (100.0, "b\n"))), "x")
    assert "7.2s step-end" in slow  # 1.2 s for the wait, 6 s at the end


def test_what_fails_or_is_no_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="failed with 3: exit 3"):
        record(["exit 3"], tmp_path)
    (tmp_path / "b.cast").write_text('{"version": 2, "width": 80}\n[0.1, "o", "x"]\nno\n')
    with pytest.raises(ReportError, match=r"b\.cast:3 is no line"):
        read_recording(tmp_path / "b.cast")
    (tmp_path / "c.cast").write_text('{"version": 1, "width": 80}\n')
    with pytest.raises(ReportError, match="its version is 1"):
        read_recording(tmp_path / "c.cast")
