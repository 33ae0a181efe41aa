"""The rule on scripts that do not parse."""

from __future__ import annotations

from collections.abc import Iterator

from astrarium.explain.context import Context
from astrarium.explain.rules.registry import Found, rule


@rule(
    "syntax-error",
    "error",
    "the script does not parse",
    "Python refuses the whole file, so that not one line of it runs.",
)
def syntax_error(script: Context) -> Iterator[Found]:
    """What was repaired before the script could be read."""
    for line, message, mend in script.repairs:
        yield Found(line, message, mend)
