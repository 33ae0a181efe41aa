"""Under which licence a file of a repository is: by its own heading, else by the nearest folder that states one."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from astrarium.data.filters.licences import UNKNOWN, expression_of, heading, identify

if TYPE_CHECKING:
    import pygit2

_LICENCE_FILE = re.compile(r"^(?:licen[cs]e|copying|unlicense)(?:[-_.][\w.-]*)?$", re.IGNORECASE)
_NO_LICENCE_FILE = re.compile(r"\.(?:py|js|ts|java|go|rs|cpp|cc|h|hpp|json|ya?ml|toml|tmpl|template)$", re.IGNORECASE)
_MAX_BYTES = 1 << 20
Declared = Callable[[str], Any]


class Tree(Protocol):
    """The files of a repository, wherever they are kept."""

    def names(self, folder: str) -> list[str]:
        """The files that are in a folder itself; the root is `""`."""

    def read(self, path: str) -> str | None:
        """A file as text; None where it cannot be read."""


class FolderTree:
    """The files of a folder on disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, folder: str) -> list[str]:
        """See `Tree`."""
        try:
            return sorted(entry.name for entry in (self._root / folder).iterdir() if entry.is_file())
        except OSError:
            return []

    def read(self, path: str) -> str | None:
        """See `Tree`."""
        try:
            with open(self._root / path, "rb") as file:
                return file.read(_MAX_BYTES).decode("utf-8", "replace")
        except OSError:
            return None


class CommitTree:
    """The files of a commit."""

    def __init__(self, tree: pygit2.Tree) -> None:
        self._tree = tree

    def names(self, folder: str) -> list[str]:
        """See `Tree`."""
        import pygit2

        try:
            place = self._tree[folder] if folder else self._tree
            if not isinstance(place, pygit2.Tree):
                return []
            return sorted(entry.name or "" for entry in place if entry.type_str == "blob")
        except (KeyError, pygit2.GitError):
            return []

    def read(self, path: str) -> str | None:
        """See `Tree`."""
        import pygit2

        try:
            blob = self._tree[path]
            return blob.data[:_MAX_BYTES].decode("utf-8", "replace") if isinstance(blob, pygit2.Blob) else None
        except (KeyError, pygit2.GitError):
            return None


class RepositoryLicences:
    """The licences of a repository's files, as SPDX expressions."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._folders: dict[str, str | None] = {}

    def of(self, path: str, code: str) -> str | None:
        """The licence of a file; None where nothing states one.

        Args:
            path: from the root of the repository, with `/`.
            code: its content.
        """
        return identify(heading(code)) or self._of_folder(PurePosixPath(path).parent)

    def _of_folder(self, folder: PurePosixPath) -> str | None:
        name = "" if str(folder) == "." else str(folder)
        if name not in self._folders:
            found = self._stated(name)
            self._folders[name] = found if found or not name else self._of_folder(folder.parent)
        return self._folders[name]

    def _stated(self, folder: str) -> str | None:
        """What a folder itself states: in its package's description, else in its licence files, all of them."""
        names = self._tree.names(folder)
        for name, declared in _DESCRIPTIONS.items():
            if name in names and (expression := self._declared(_joined(folder, name), declared)) is not None:
                return expression
        files = [name for name in names if _LICENCE_FILE.match(name) and not _NO_LICENCE_FILE.search(name)]
        texts = (self._tree.read(_joined(folder, name)) for name in files)
        found = [expression for text in texts if text and (expression := identify(text)) is not None]
        return " AND ".join(dict.fromkeys(found)) or (UNKNOWN if files else None)

    def _declared(self, path: str, declared: Declared) -> str | None:
        text = self._tree.read(path)
        try:
            value = declared(text or "")
        except (ValueError, AttributeError, TypeError, RecursionError):  # no TOML, no JSON, or of another shape
            return None
        return expression_of(value) if isinstance(value, str) else None


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _pyproject(text: str) -> Any:
    content = tomllib.loads(text)
    licence = content.get("project", {}).get("license")
    if licence is None:
        licence = content.get("tool", {}).get("poetry", {}).get("license")
    return licence.get("text") if isinstance(licence, dict) else licence


def _cargo(text: str) -> Any:
    content = tomllib.loads(text)
    licence = content.get("package", {}).get("license")
    return licence if licence is not None else content.get("workspace", {}).get("package", {}).get("license")


_DESCRIPTIONS: dict[str, Declared] = {
    "pyproject.toml": _pyproject,
    "Cargo.toml": lambda text: _cargo(text).replace("/", " OR "),  # the form of old manifests
    "package.json": lambda text: json.loads(text).get("license"),
}
