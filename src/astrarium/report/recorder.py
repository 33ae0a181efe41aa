"""Runs commands at a terminal of their own and records what they print."""

from __future__ import annotations

import codecs
import os
import pty
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from astrarium.core.errors import ReportError
from astrarium.report.terminal import Recording

_PROMPT = "\x1b[1;32m$\x1b[0m "


def record(commands: Sequence[str], folder: str | Path, *, width: int = 100, title: str = "") -> Recording:
    """Run commands in a folder, one after the other, each at a pseudo-terminal.

    Args:
        commands: for the shell; what is installed beside this Python is found.
        folder: where they run.
        width: of the terminal, in columns.
        title: of the recording.

    Raises:
        ReportError: a command fails.
    """
    events: list[tuple[float, str]] = []
    begin = time.monotonic()
    for command in commands:
        events.append((time.monotonic() - begin, f"{_PROMPT}\x1b[1m{command}\x1b[0m\r\n"))
        events += _run(command, Path(folder), width, begin)
    return Recording(width, tuple(events), title)


def _run(command: str, folder: Path, width: int, begin: float) -> list[tuple[float, str]]:
    main, other = pty.openpty()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "COLUMNS": str(width), "PATH": path}
    process = subprocess.Popen(
        command, shell=True, cwd=folder, stdin=other, stdout=other, stderr=other, env=environment, close_fds=True
    )
    os.close(other)
    events = []
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")  # a piece may end within a character
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # the terminal's other end is closed: the command has ended
            break
        if not piece:
            break
        events.append((time.monotonic() - begin, decoder.decode(piece)))
    os.close(main)
    if process.wait():
        printed = "".join(text for _, text in events)
        raise ReportError(f"the command failed with {process.returncode}: {command}: {printed[-400:]}")
    return events
