"""Git repositories made in the test."""

from __future__ import annotations

from pathlib import Path

import pygit2

AUTHOR = pygit2.Signature("A", "a@example.org", 1_700_000_000, 0)


class Repository:
    """A repository to write files and commits into."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git = pygit2.init_repository(str(path))
        self._clock = 1_700_000_000

    def commit(self, message: str, files: dict[str, str | bytes | None]) -> str:
        """Write files (None removes one) and commit them."""
        for name, content in files.items():
            file = self.path / name
            if content is None:
                file.unlink()
                self.git.index.remove(name)
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
            self.git.index.add(name)
        self.git.index.write()
        self._clock += 60
        who = pygit2.Signature("A", "a@example.org", self._clock, 0)
        parents = [] if self.git.head_is_unborn else [self.git.head.target]
        return str(self.git.create_commit("HEAD", who, who, message, self.git.index.write_tree(), parents))
