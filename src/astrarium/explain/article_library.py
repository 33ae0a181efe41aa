"""The index of the installed libraries, as an article asks it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from astrarium.explain.index.library import PACKAGES, Signature, library
from astrarium.explain.index.store import index_of


class InstalledLibraries:
    """transformers and peft, as they are installed here. Nothing of them is imported."""

    def __init__(self) -> None:
        self._found = [found for found in map(library, PACKAGES) if found is not None]

    def releases(self) -> str:
        """Their names and versions, in words."""
        return " or ".join(f"{found.package} {found.release}" for found in self._found)

    def has_class(self, name: str) -> bool:
        """Whether one of them has a class of that name."""
        return any(found.class_named(name) is not None or found.has(name) for found in self._found)

    def has_function(self, name: str) -> bool:
        """Whether one of them has a function of that name."""
        return any(found.signature(name) is not None for found in self._found)

    def has_member(self, class_name: str, member: str) -> bool | None:
        """Whether a class has a member; None where it is not known."""
        answers = [found.has_member(class_name, member) for found in self._found if found.class_named(class_name)]
        return True if True in answers else None if None in answers or not answers else False

    def has_name(self, name: str) -> bool:
        """Whether anything has that name: a class, function, method, attribute or parameter."""
        return any(name in _names(found.package) for found in self._found)

    def choices(self, enumeration: str) -> Sequence[str]:
        """The values of an enumeration; empty where it is not known."""
        return next((found.constants[enumeration] for found in self._found if enumeration in found.constants), [])

    def where(self, name: str) -> str:
        """File and line of a name, in words; empty where it is not known."""
        for found in self._found:
            described = found.signature(name)
            if described is not None:
                return f"`{described.file}:{described.line}` of {found.package} {found.release}"
        return ""

    def home(self, name: str) -> str:
        """The package that a name can be imported from; empty where there is none."""
        return next((found.package for found in self._found if name in found.exports), "")

    def arguments(self, code: str) -> Iterator[tuple[str, bool, str]]:
        """The arguments of a piece of code, and the names it imports, looked up; see `article_arguments`."""
        from astrarium.explain.article_arguments import arguments

        return arguments(code, self)

    def signature(self, name: str) -> Signature | None:
        """Of a dotted name, package first."""
        package, _, rest = name.partition(".")
        found = next((one for one in self._found if one.package == package), None)
        return None if found is None or not rest else found.signature(rest)


@cache
def _names(package: str) -> frozenset[str]:
    """Every name that the sources of a package define, the files of single models apart."""
    index = index_of(package)
    names: set[str] = set()
    for path, described in () if index is None else index.objects():
        names.add(path.rsplit(".", 1)[-1])
        names.update(described.get("members", ()), described.get("popped", ()))
        names.update(entry["name"] for key in ("parameters", "fields") for entry in described.get(key, ()))
    return frozenset(names)
