"""Files that a script opens and writes: where its downloads end up on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astrarium.explain.values import Downloaded, File, Named, Value, options, text_of

if TYPE_CHECKING:
    from astrarium.explain.events import Event, Given
    from astrarium.explain.flow import Flow

_WRITES = ("write", "write_bytes", "writelines", "copyfileobj")


def place_of(value: Value, code: str, function: str) -> str:
    """A path as a text where it is known, else as it stands in the script and the function."""
    known = text_of(value)
    return known if known is not None and "\0" not in known else f"{function}:{code}"


def file_of(flow: Flow, event: Event) -> File | None:
    """What `open(path)` and `path.open()` give; None of any other call. Notes what is written where."""
    if event.short == "open" and not _fetched(event.result):
        if event.receiver is not None and not isinstance(event.receiver, Named):
            return File(place_of(event.receiver, _before(flow, event), event.function))
        return File(_place(flow, event, event.arguments[0])) if event.arguments else None
    if event.short in _WRITES and any(_fetched(one.value) for one in event.arguments):
        handles = [one.value for one in event.arguments]
        handles += [event.receiver] if event.receiver is not None else []
        flow.fetched |= {one.place for value in handles for one in options(value) if isinstance(one, File)}
        if event.short == "write_bytes" and event.receiver is not None:
            flow.fetched.add(place_of(event.receiver, _before(flow, event), event.function))
    return None


def _place(flow: Flow, event: Event, given: Given) -> str:
    return place_of(given.value, flow.tree.code(given.node.value), event.function)


def _fetched(value: Value) -> bool:
    return any(isinstance(one, Downloaded) for one in options(value))


def _before(flow: Flow, event: Event) -> str:
    """What stands before the dot; of `Path(path)` the path."""
    code = flow.tree.code(event.node.func).rsplit(".", 1)[0]
    return code.split("(", 1)[1].removesuffix(")") if code.split("(")[0] in ("Path", "pathlib.Path") else code
