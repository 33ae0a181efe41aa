"""Where the command line prints: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console

stdout = Console(highlight=False, soft_wrap=False)
stderr = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print a result as one JSON object on one line, for `--json`."""
    line = json.dumps(value, ensure_ascii=False)
    try:
        line.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # half a surrogate pair, such as a file's name may hold, or a terminal that knows less
        line = json.dumps(value)
    sys.stdout.write(line + "\n")


@contextmanager
def working(on: str) -> Iterator[None]:
    """Show that something is going on, at a terminal; say nothing elsewhere."""
    if not stderr.is_terminal:
        yield
        return
    with stderr.status(on):
        yield


def note(text: str) -> None:
    """Say something the user should know, on stderr."""
    stderr.print(text, style="dim", markup=False, soft_wrap=True)
