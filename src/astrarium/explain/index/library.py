"""Questions to the index: does a name exist, which arguments does it take, what is it for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from astrarium.explain.index.store import index_of

PACKAGES = ("transformers", "peft")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function or class."""

    name: str
    kind: str
    """`any` (position or keyword), `positional`, `keyword`, `*` or `**`."""
    default: str | None
    """Its default as it stands in the source; None where it has none."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What the installed library says of a function, method or class."""

    name: str
    """As it was asked for."""
    home: str
    """Where it is defined."""
    file: str
    line: int
    summary: str
    """The first paragraph of its docstring, cut at 400 characters."""
    parameters: tuple[Parameter, ...]
    popped: frozenset[str]
    """Names that its body takes out of `**kwargs`."""
    release: str

    @property
    def open(self) -> bool:
        """Whether it takes any keyword."""
        return any(parameter.kind == "**" for parameter in self.parameters)

    def text(self) -> str:
        """`name(parameters)`, in one line."""
        marks = {"*": "*", "**": "**"}
        shown = [
            marks.get(parameter.kind, "")
            + parameter.name
            + ("" if parameter.default is None else f"={parameter.default}")
            for parameter in self.parameters
        ]
        return f"{self.name.rsplit('.', 1)[-1]}({', '.join(shown)})"


class Library:
    """One installed package, as its index tells of it."""

    def __init__(self, index: dict[str, Any]) -> None:
        self.package: str = index["package"]
        self.release: str = index["release"]
        self.exports: frozenset[str] = frozenset(index["exports"])
        self.linears: dict[str, list[str]] = index["linears"]
        self.tasks: frozenset[str] = frozenset(index["tasks"])
        self.constants: dict[str, list[str]] = index["constants"]
        self.renamed: dict[str, dict[str, str]] = index["renamed"]
        self._objects: dict[str, dict[str, Any]] = index["objects"]
        self._by_name: dict[str, list[str]] = {}
        for path in self._objects:
            self._by_name.setdefault(path.rsplit(".", 1)[-1], []).append(path)

    def has(self, name: str) -> bool:
        """Whether `from package import name` finds it."""
        if name in self.exports:
            return True
        # of these transformers gives the class without the ending
        return name.endswith(("ImageProcessorFast", "TokenizerFast")) and name.removesuffix("Fast") in self.exports

    def class_named(self, name: str) -> str | None:
        """The home of a class by its bare name."""
        homes = [path for path in self._by_name.get(name, ()) if "bases" in self._objects[path]]
        return homes[0] if homes else None

    def has_member(self, class_name: str, member: str) -> bool | None:
        """Whether a class or one of its bases has a member; None where a base is not in the index."""
        unknown = False
        for home in self._line(class_name):
            if home is None:
                unknown = True
                continue
            if member in self._objects[home]["members"]:
                return True
        return None if unknown else False

    def signature(self, name: str) -> Signature | None:
        """Of `Class`, `Class.method` or `function`, by public name without the package; None where it is not known."""
        parts = name.split(".")
        if len(parts) >= 2 and self.class_named(parts[-2]):
            return self._method(name, parts[-2], parts[-1])
        home = self.class_named(parts[-1])
        if home is not None:
            return self._class(name, home)
        homes = [
            path
            for path in self._by_name.get(parts[-1], ())
            if self.class_named(path.split(".")[-2]) is None and "overload" not in self._objects[path]
        ]
        exact = [path for path in homes if path == f"{self.package}.{name}"]
        return self._described(name, (exact or homes)[0]) if homes else None

    def fields(self, class_name: str) -> tuple[Parameter, ...]:
        """The fields of a dataclass and of its bases."""
        found: dict[str, Parameter] = {}
        for home in reversed(list(self._line(class_name))):
            if home is not None:
                for field in self._objects[home].get("fields", ()):
                    found[field["name"]] = Parameter(**field)
        return tuple(found.values())

    def _line(self, class_name: str, seen: frozenset[str] = frozenset()) -> Iterator[str | None]:
        """A class and its bases, nearest first; None for one that the index does not hold."""
        if class_name in ("object", "Enum", "ABC", "Generic") or class_name in seen:
            return
        home = self.class_named(class_name)
        yield home
        if home is not None:
            for base in self._objects[home]["bases"]:
                yield from self._line(base, seen | {class_name})

    def _method(self, name: str, class_name: str, method: str) -> Signature | None:
        for home in self._line(class_name):
            if home is not None and f"{home}.{method}" in self._objects:
                return self._described(name, f"{home}.{method}", bound=True)
        return None

    def _class(self, name: str, home: str) -> Signature:
        fields = self.fields(home.rsplit(".", 1)[-1])
        init = self._method(name, home.rsplit(".", 1)[-1], "__init__")
        own = f"{home}.__init__" in self._objects
        described = self._described(name, home)
        if init is not None and (own or not fields):
            return Signature(
                name, home, described.file, described.line, described.summary or init.summary, init.parameters,
                init.popped, self.release,
            )  # fmt: skip
        return Signature(
            name, home, described.file, described.line, described.summary, fields, frozenset(), self.release
        )

    def _described(self, name: str, home: str, *, bound: bool = False) -> Signature:
        found = self._objects[home]
        parameters = tuple(Parameter(**parameter) for parameter in found.get("parameters", ()))
        if bound and parameters and parameters[0].name in ("self", "cls"):
            parameters = parameters[1:]
        popped = frozenset(found.get("popped", ()))
        return Signature(name, home, found["file"], found["line"], found["summary"], parameters, popped, self.release)


@lru_cache(maxsize=8)
def library(package: str) -> Library | None:
    """An installed package; None where it is not installed."""
    index = index_of(package)
    return None if index is None else Library(index)


def signature(name: str) -> Signature | None:
    """What the installed library says of a dotted name such as `peft.get_peft_model`.

    Args:
        name: package first; methods as `transformers.GenerationMixin.generate`.

    Returns:
        None where the package is not installed or does not have it.
    """
    package, _, rest = name.partition(".")
    found = library(package) if package in PACKAGES and rest else None
    return None if found is None else found.signature(rest)
