"""The files of a repository or a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from astrarium.core.errors import DataError

if TYPE_CHECKING:
    import pygit2

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist"})


def open_repository(where: str | Path) -> pygit2.Repository:
    """Open a git repository: its work tree, a folder in it, or a bare one.

    Raises:
        DataError: nothing there, or no repository.
    """
    import pygit2

    path = Path(where).expanduser()
    if not path.exists():
        raise DataError(f"{where} does not exist; name a git repository")
    found = pygit2.discover_repository(str(path)) if path.is_dir() else None
    if found is None:
        raise DataError(f"{where} is no git repository; its history is needed (for code alone: data functions)")
    return pygit2.Repository(found)


def python_files(where: str | Path) -> Iterator[tuple[Path, str]]:
    """The Python files of a repository or folder, in order of their names.

    In a git work tree these are the files that git tracks; elsewhere all, without hidden folders and those of built or
    installed things. Links are not followed.

    Yields:
        The file, and its name relative to `where`.

    Raises:
        DataError: nothing there, or a file that is not Python's.
    """
    root = Path(where).expanduser()
    if not root.exists():
        raise DataError(f"{where} does not exist; name a repository, a folder, or a Python file")
    if root.is_file():
        if root.suffix != ".py":
            raise DataError(f"{where} is no Python file; name a repository, a folder, or a .py file")
        yield root, root.name
        return
    for path in sorted(_tracked(root) or _walked(root)):
        if path.suffix == ".py" and path.is_file() and not path.is_symlink():
            yield path, path.relative_to(root).as_posix()


def _tracked(root: Path) -> list[Path]:
    import pygit2

    found = pygit2.discover_repository(str(root))
    if found is None:
        return []
    repository = pygit2.Repository(found)
    if repository.is_bare:
        return []
    tree, here = Path(repository.workdir).resolve(), root.resolve()
    inside = [tree / entry.path for entry in repository.index if (tree / entry.path).is_relative_to(here)]
    return [root / path.relative_to(here) for path in inside]


def _walked(root: Path) -> list[Path]:
    found = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if not name.startswith(".") and name not in _SKIPPED_FOLDERS]
        found += [Path(folder) / file for file in files]
    return found
