"""An index as a file: a heading that says on which line everything stands, so that only what is asked for is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


class Index:
    """The index of one installed package.

    Args:
        raw: what `encoded` gives.

    Raises:
        ValueError: it is none, or breaks off.
    """

    def __init__(self, raw: bytes) -> None:
        heading, _, rest = raw.partition(b"\n")
        found = json.loads(heading)
        if not isinstance(found, dict) or found.get("bytes") != len(rest):
            raise ValueError("the index breaks off")
        self.format: int = found["format"]
        self.package: str = found["package"]
        self.release: str = found["release"]
        self._lines = rest.split(b"\n")
        self._parts: Mapping[str, int] = found["parts"]
        self._names: Mapping[str, int] = found["names"]

    def part(self, name: str) -> Any:
        """A table other than that of the objects."""
        return json.loads(self._lines[self._parts[name]])

    def named(self, name: str) -> dict[str, dict[str, Any]]:
        """Classes of a bare name with their methods, and functions: dotted path → what is known of it."""
        line = self._names.get(name)
        found: dict[str, dict[str, Any]] = {} if line is None else json.loads(self._lines[line])
        return found

    def objects(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All classes, functions and methods, with their dotted paths."""
        for line in self._names.values():
            yield from json.loads(self._lines[line]).items()


def encoded(index: Mapping[str, Any]) -> bytes:
    """What `build` makes, as a file."""
    by_name: dict[str, dict[str, Any]] = {}
    objects = index["objects"]
    for path, described in objects.items():
        owner, _, own = path.rpartition(".")
        name = owner.rsplit(".", 1)[-1] if "bases" in objects.get(owner, ()) else own
        by_name.setdefault(name, {})[path] = described
    tables = {key: index[key] for key in ("exports", "renamed", "linears", "tasks", "constants", "checked", "sides")}
    lines = [json.dumps(one, separators=(",", ":")) for one in (*tables.values(), *by_name.values())]
    rest = "\n".join(lines)
    heading = {
        "format": index["format"],
        "package": index["package"],
        "release": index["release"],
        "bytes": len(rest),
        "parts": {key: line for line, key in enumerate(tables)},
        "names": {name: line for line, name in enumerate(by_name, len(tables))},
    }
    return f"{json.dumps(heading, separators=(',', ':'))}\n{rest}".encode("ascii")
