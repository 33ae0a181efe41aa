"""Run a session for real and draw it as docs/session.svg, the picture in the README.

    python examples/record_session.py

Each command runs in a terminal of its own (a pty); what it prints is drawn as it was printed.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
WIDTH = 100
COMMANDS = [
    "astrarium data functions {root}/src -o rows.jsonl",
    "astrarium tune rows.jsonl --method parallel --steps 12 --learning-rate 5e-4"
    " --sequence-length 384 --sequences-per-step 2",
    'astrarium ask "Write a Python function that tells whether a year is a leap year."'
    " --adapter runs/parallel-default-1 --max-new-tokens 80",
]
_SPINNER = re.compile("[\u2800-\u28ff] ")
# rich's own page, without its web fonts: the picture must not fetch anything.
_PAGE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def run(command: str, folder: str) -> str:
    """Run a command at a terminal and give what it printed."""
    main, other = pty.openpty()
    environment = {
        **os.environ,
        "COLUMNS": str(WIDTH),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        command, shell=True, cwd=folder, stdin=other, stdout=other, stderr=other, env=environment, close_fds=True
    )
    os.close(other)
    printed = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # the terminal's other end is closed: the command has ended
            break
        if not piece:
            break
        printed += piece
    if process.wait():
        raise SystemExit(f"failed: {command}\n{printed.decode()}")
    return printed.decode()


def last_state(printed: str) -> str:
    """What stays on the screen: of a progress bar, which rewrites its line, the end; of a spinner nothing."""
    lines = []
    for line in printed.replace("\r\n", "\n").split("\n"):
        state = re.sub(r"\x1b\[(?:\?25[lh]|2K|1A)", "", line).split("\r")[-1]
        if not _SPINNER.match(re.sub(r"\x1b\[[\d;]*m", "", state)):
            lines.append(state)
    return "\n".join(lines)


def main() -> None:
    """Record and draw."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS:
            console.print(Text("$ ", "bold green") + Text(command.format(root="."), "bold"))
            printed = run(command.format(root=ROOT), folder)
            console.print(Text.from_ansi(last_state(printed).replace(str(ROOT), ".")))
    svg = _PAGE.sub("", console.export_svg(title="astrarium", theme=DIMMED_MONOKAI))
    (ROOT / "docs" / "session.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
