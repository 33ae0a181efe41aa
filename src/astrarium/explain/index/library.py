"""Questions to the index: does a name exist, which arguments does it take, what is it for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from astrarium.explain.index.layout import Index
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

    def __init__(self, index: Index) -> None:
        self.package = index.package
        self.release = index.release
        self._index = index
        self._named: dict[str, dict[str, dict[str, Any]]] = {}

    @cached_property
    def exports(self) -> frozenset[str]:
        """What `from package import …` finds."""
        return frozenset(self._index.part("exports"))

    @cached_property
    def linears(self) -> dict[str, list[str]]:
        """Model type → attribute names of its modules."""
        found: dict[str, list[str]] = self._index.part("linears")
        return found

    @cached_property
    def tasks(self) -> frozenset[str]:
        """Tasks that `pipeline()` knows."""
        return frozenset(self._index.part("tasks"))

    @cached_property
    def constants(self) -> dict[str, list[str]]:
        """Enumeration → its values."""
        found: dict[str, list[str]] = self._index.part("constants")
        return found

    @cached_property
    def checked(self) -> dict[str, str]:
        """Argument of `TrainingArguments` → the enumeration that its value is held against."""
        found: dict[str, str] = self._index.part("checked")
        return found

    @cached_property
    def sides(self) -> dict[str, str]:
        """Tokenizer class or model type → the side on which it pads by itself, where that is not the right."""
        found: dict[str, str] = self._index.part("sides")
        return found

    @cached_property
    def renamed(self) -> dict[str, dict[str, str]]:
        """Module → argument that it calls deprecated → the one that it names instead."""
        found: dict[str, dict[str, str]] = self._index.part("renamed")
        return found

    def _objects(self, name: str) -> dict[str, dict[str, Any]]:
        """Classes of a bare name with their methods, and functions, by path."""
        if name not in self._named:
            self._named[name] = self._index.named(name)
        return self._named[name]

    def has(self, name: str) -> bool:
        """Whether `from package import name` finds it."""
        if name in self.exports:
            return True
        # of these transformers gives the class without the ending
        return name.endswith(("ImageProcessorFast", "TokenizerFast")) and name.removesuffix("Fast") in self.exports

    def class_named(self, name: str) -> str | None:
        """The home of a class by its bare name."""
        return next((path for path, found in self._objects(name).items() if "bases" in found), None)

    def has_member(self, class_name: str, member: str) -> bool | None:
        """Whether a class or one of its bases has a member; None where a base is not in the index."""
        unknown = False
        for home in self._line(class_name):
            if home is None:
                unknown = True
                continue
            if member in self._objects(_last(home))[home]["members"]:
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
            for path, found in self._objects(parts[-1]).items()
            if self.class_named(path.split(".")[-2]) is None and "overload" not in found
        ]
        exact = [path for path in homes if path == f"{self.package}.{name}"]
        return self._described(name, (exact or homes)[0], parts[-1]) if homes else None

    def fields(self, class_name: str) -> tuple[Parameter, ...]:
        """The fields of a dataclass and of its bases."""
        found: dict[str, Parameter] = {}
        for home in reversed(list(self._line(class_name))):
            if home is not None:
                for field in self._objects(_last(home))[home].get("fields", ()):
                    found[field["name"]] = Parameter(**field)
        return tuple(found.values())

    def _line(self, class_name: str, seen: frozenset[str] = frozenset()) -> Iterator[str | None]:
        """A class and its bases, nearest first; None for one that the index does not hold."""
        if class_name in ("object", "Enum", "ABC", "Generic") or class_name in seen:
            return
        home = self.class_named(class_name)
        yield home
        if home is not None:
            for base in self._objects(class_name)[home]["bases"]:
                yield from self._line(base, seen | {class_name})

    def _method(self, name: str, class_name: str, method: str) -> Signature | None:
        for home in self._line(class_name):
            if home is not None and f"{home}.{method}" in self._objects(_last(home)):
                return self._described(name, f"{home}.{method}", _last(home), bound=True)
        return None

    def _class(self, name: str, home: str) -> Signature:
        fields = self.fields(_last(home))
        init = self._method(name, _last(home), "__init__")
        own = f"{home}.__init__" in self._objects(_last(home))
        described = self._described(name, home, _last(home))
        if init is not None and (own or not fields):
            return Signature(
                name, home, described.file, described.line, described.summary or init.summary, init.parameters,
                init.popped, self.release,
            )  # fmt: skip
        return Signature(
            name, home, described.file, described.line, described.summary, fields, frozenset(), self.release
        )

    def _described(self, name: str, home: str, of: str, *, bound: bool = False) -> Signature:
        found = self._objects(of)[home]
        parameters = tuple(Parameter(**parameter) for parameter in found.get("parameters", ()))
        if bound and parameters and parameters[0].name in ("self", "cls"):
            parameters = parameters[1:]
        popped = frozenset(found.get("popped", ()))
        return Signature(name, home, found["file"], found["line"], found["summary"], parameters, popped, self.release)


def _last(path: str) -> str:
    return path.rsplit(".", 1)[-1]


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
