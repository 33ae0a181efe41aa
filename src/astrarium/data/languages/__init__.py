"""The languages that rows are made from, one file each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module

from astrarium.core.errors import DataError
from astrarium.data.languages.language import Language

LANGUAGES = ("python", "javascript", "typescript", "java", "go", "c++", "rust")
ALL = "all"
_MODULES = {"c++": "cpp"}
_ALIASES = {"py": "python", "js": "javascript", "ts": "typescript", "golang": "go", "cpp": "c++", "rs": "rust"}


@cache
def language_named(name: str) -> Language:
    """A language by its name, or a common short form of it.

    Raises:
        DataError: an unknown one.
    """
    known = _ALIASES.get(name.lower(), name.lower())
    if known not in LANGUAGES:
        raise DataError(f"language {name!r} is not known; known are {', '.join(LANGUAGES)}, and {ALL}")
    language: Language = import_module(f"{__name__}.{_MODULES.get(known, known)}").LANGUAGE
    return language


def languages_named(names: Iterable[str]) -> tuple[Language, ...]:
    """Languages by their names, each once; `all` means every one.

    Raises:
        DataError: an unknown one, or none at all.
    """
    wanted = list(names)
    if ALL in wanted:
        wanted = list(LANGUAGES)
    found = tuple(dict.fromkeys(language_named(name) for name in wanted))
    if not found:
        raise DataError(f"no language is named; known are {', '.join(LANGUAGES)}, and {ALL}")
    return found


def language_of(path: str, languages: Iterable[Language]) -> Language | None:
    """The language of a file among those given, by its ending."""
    return next((language for language in languages if path.endswith(language.endings)), None)
