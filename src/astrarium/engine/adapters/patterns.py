"""Regular expressions out of an adapter's configuration, which may be anybody's: none may take for ever."""

from __future__ import annotations

import regex

from astrarium.core.errors import AdapterError

_SECONDS = 0.5
"""More than any pattern of sense takes for a module's path by far; others run meanwhile."""


def fits(pattern: str, path: str) -> bool:
    """Whether all of a module's path matches, as for `re.fullmatch`.

    Raises:
        AdapterError: it is no regular expression, or takes too long.
    """
    try:
        return regex.fullmatch(pattern, path, timeout=_SECONDS, concurrent=True) is not None
    except TimeoutError:
        raise AdapterError(f"the pattern {pattern[:80]!r} takes longer than {_SECONDS} s for {path}") from None
    except regex.error as error:
        raise AdapterError(f"the pattern {pattern[:80]!r} is no regular expression: {error}") from error
