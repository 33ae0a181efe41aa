"""The files of a repository or a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from astrarium.core.errors import DataError

if TYPE_CHECKING:
    import pygit2

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist"})


@dataclass(frozen=True, slots=True, order=True)
class SourceFile:
    """A file of code that was found."""

    path: Path
    name: str
    """Relative to its repository, or to the folder where there is none."""
    below: str
    """Relative to the folder that was asked for."""
    root: Path
    """The work tree of its repository, or the folder."""

    @property
    def inside(self) -> str:
        """Its place in `root`, with `/`."""
        return self.path.relative_to(self.root).as_posix()


def open_repository(where: str | Path) -> pygit2.Repository:
    """Open a git repository: its work tree, a folder in it, or a bare one.

    Raises:
        DataError: nothing there, no repository, or one that cannot be opened.
    """
    path = Path(where).expanduser()
    if not exists(path):
        raise DataError(f"{where} does not exist; name a git repository")
    found = _discovered(path, where) if path.is_dir() else None
    if found is None:
        raise DataError(f"{where} is no git repository; its history is needed (for code alone: data functions)")
    return found


def source_files(where: str | Path, endings: tuple[str, ...]) -> Iterator[SourceFile]:
    """The files of a repository or folder with one of the endings, in order of their names.

    In a git work tree these are the files that git tracks. Elsewhere, and in a folder of which git tracks nothing, they
    are all files but those in hidden folders and in those of built or installed things. Links are not followed.

    Raises:
        DataError: nothing there, a file with another ending, or a repository that cannot be read.
    """
    root = Path(where).expanduser()
    if not exists(root):
        raise DataError(f"{where} does not exist; name a repository, a folder, or a file of code")
    if root.is_file():
        if not root.name.endswith(endings):
            raise DataError(
                f"{where} is no file of code; name a repository, a folder, or a file ({', '.join(endings)})"
            )
        yield SourceFile(root, _text(root.name), _text(root.name), root.parent)
        return
    inside = root.resolve()
    for file in sorted(_tracked(root, where, endings) or _walked(root, endings)):
        # The second look is for a tracked folder that a link has taken the place of.
        if file.path.is_file() and not file.path.is_symlink() and file.path.resolve().is_relative_to(inside):
            yield file


def exists(path: Path) -> bool:
    """Whether something is there; a name that no file could have is not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _discovered(path: Path, where: str | Path) -> pygit2.Repository | None:
    import pygit2

    try:
        found = pygit2.discover_repository(str(path))
        return None if found is None else pygit2.Repository(found)
    except pygit2.GitError as error:
        raise DataError(f"{where} is a git repository that cannot be opened: {error}") from error


def _tracked(root: Path, where: str | Path, endings: tuple[str, ...]) -> list[SourceFile]:
    import pygit2

    repository = _discovered(root, where)
    if repository is None:
        return []
    if repository.is_bare:
        raise DataError(f"{where} is a bare repository, without files; clone it, or use its history (data commits)")
    tree, here = Path(repository.workdir).resolve(), root.resolve()
    try:
        names = [entry.path for entry in repository.index if entry.path.endswith(endings)]
    except pygit2.GitError as error:
        raise DataError(f"{where} has a git index that cannot be read: {error}") from error
    return [
        SourceFile(tree / name, _text(name), _text((tree / name).relative_to(here).as_posix()), tree)
        for name in names
        if (tree / name).is_relative_to(here)
    ]


def _walked(root: Path, endings: tuple[str, ...]) -> list[SourceFile]:
    found = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if not name.startswith(".") and name not in _SKIPPED_FOLDERS]
        for path in (Path(folder) / file for file in files if file.endswith(endings)):
            name = _text(path.relative_to(root).as_posix())
            found.append(SourceFile(path, name, name, root))
    return found


def _text(name: str) -> str:
    """A file's name as text that can be written: bytes that are no UTF-8 become `?` in a diamond."""
    return os.fsencode(name).decode("utf-8", "replace")
