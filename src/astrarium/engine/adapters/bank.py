"""The adapters of one engine: held in memory up to a limit, the least recently used let go and read again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from astrarium.core.errors import AdapterError
from astrarium.engine.adapters.parts import Adapter
from astrarium.engine.step import Worn

Reader = Callable[[], Adapter]
"""Reads an adapter from where it lies."""

DEFAULT_LIMIT = 512 << 20
"""Bytes of adapters that stay in memory."""


@dataclass(slots=True)
class _Place:
    reader: Reader
    serial: int
    """Tells what is cached under the adapter from what was cached under another of that name."""
    virtual_tokens: int
    users: int = 0
    worn: Worn | None = None


class Bank:
    """Adapters by name."""

    def __init__(self, limit: int = DEFAULT_LIMIT, on_leave: Callable[[], None] = lambda: None) -> None:
        """Make an empty bank.

        Args:
            limit: bytes to hold; adapters in use stay, whatever they take.
            on_leave: called when an adapter has left memory.
        """
        self.limit = limit
        self._on_leave = on_leave
        self._places: OrderedDict[str, _Place] = OrderedDict()  # the longest unused first
        self._serial = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Every adapter, in memory or not."""
        return tuple(sorted(self._places))

    @property
    def nbytes(self) -> int:
        """Bytes of those in memory."""
        return sum(place.worn.nbytes for place in self._places.values() if place.worn is not None)

    @property
    def held(self) -> tuple[str, ...]:
        """The adapters in memory."""
        return tuple(name for name, place in self._places.items() if place.worn is not None)

    def check_new(self, name: str) -> None:
        """A name that no adapter has.

        Raises:
            AdapterError: one has it.
        """
        if name in self._places:
            raise AdapterError(f"there is an adapter {name!r} already; drop it, or take another name")

    def add(self, name: str, reader: Reader, adapter: Adapter | None = None) -> Adapter:
        """Add an adapter, and read it where it has not been read.

        Raises:
            AdapterError: there is one of that name, or it does not fit the base.
        """
        self.check_new(name)
        adapter = adapter or reader()
        self._serial += 1
        place = _Place(reader, self._serial, adapter.virtual_tokens, worn=Worn(adapter))
        self._places[name] = place
        self._shrink()
        return adapter

    def drop(self, name: str) -> None:
        """Take an adapter out. Requests that use it end with it.

        Raises:
            AdapterError: no adapter of that name, or one that requests are using.
        """
        place = self._of(name)
        if place.users:
            used = "a request; cancel it" if place.users == 1 else f"{place.users} requests; cancel them"
            raise AdapterError(f"adapter {name!r} is in use by {used}, or wait")
        del self._places[name]
        self._on_leave()

    def virtual_tokens(self, name: str) -> int:
        """How many positions an adapter takes before the prompt."""
        return self._of(name).virtual_tokens

    def take(self, name: str) -> Worn:
        """An adapter for one request, read again where it had left.

        Raises:
            AdapterError: no adapter of that name, or one that can no longer be read.
        """
        place = self._of(name)
        if place.worn is None:
            try:
                place.worn = Worn(place.reader())
            except OSError as error:
                raise AdapterError(f"adapter {name!r} can no longer be read: {error}") from error
        place.users += 1
        self._places.move_to_end(name)
        self._shrink()
        return place.worn

    def give_back(self, name: str) -> None:
        """A request is done with an adapter."""
        if name in self._places:
            self._places[name].users -= 1
            self._shrink()

    def seed(self, name: str | None) -> bytes:
        """What tells one adapter's keys and values from another's."""
        return b"" if name is None else f"{name}\n{self._of(name).serial}".encode()

    def _of(self, name: str) -> _Place:
        if name not in self._places:
            raise AdapterError(f"no adapter {name!r} is loaded; loaded are: {', '.join(self.names) or 'none'}")
        return self._places[name]

    def _shrink(self) -> None:
        newest = next(reversed(self._places))
        above = self.nbytes - self.limit
        left = False
        for name, place in self._places.items():
            if above > 0 and place.worn is not None and not place.users and name != newest:
                above -= place.worn.nbytes
                place.worn, left = None, True
        if left:
            self._on_leave()
