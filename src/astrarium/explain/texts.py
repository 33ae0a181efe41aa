"""Texts that a script puts together, of parts that are known, not known, or one of several."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from astrarium.explain.values import (
    UNKNOWN,
    Batch,
    Const,
    Items,
    Named,
    Templated,
    Text,
    Value,
    constant,
    either,
    options,
    text_of,
)  # fmt: skip

if TYPE_CHECKING:
    from astrarium.explain.events import Event

OWN_BEGINNING = "\x01"
"""In a text: the tokenizer's own beginning-of-text, by `tokenizer.bos_token`."""
_MOST = 8
"""Forms of one text that are followed."""
_LONGEST = 20_000


def told(text: str) -> Value:
    """A text as a value: a constant where all of it is known."""
    text = text[:_LONGEST]
    return Text(text) if "\0" in text or OWN_BEGINNING in text else Const(text)


def spoken(value: Value) -> str | None:
    """A text with marks for what is not known of it; None where it is no text."""
    if isinstance(value, Named) and value.name == "tokenizer.bos_token":
        return OWN_BEGINNING
    return text_of(value)


def forms(value: Value) -> list[str]:
    """What a value may be when it is written into a text: a mark for what is not known."""
    found = []
    for option in options(value):
        text, known = spoken(option), constant(option)
        found.append(text if text is not None else "\0" if known is None else str(known))
    return list(dict.fromkeys(found))


def put_together(parts: list[list[str]]) -> Value:
    """A text of parts, each of which may be one of several."""
    texts = [""]
    for part in parts:
        few = part if len(part) * len(texts) <= _MOST else ["\0"]
        texts = [before + one for before in texts for one in few]
    return either([told(text) for text in texts])


def added(left: Value, right: Value) -> Value:
    """Left and right, joined by `+`."""
    if isinstance(left, Templated):
        return left
    if isinstance(left, Batch):
        return left  # ids, with others behind them
    if isinstance(left, Items) and isinstance(right, Items):
        return Items(left.items + right.items, left.rest or right.rest)
    if any(spoken(option) is not None for side in (left, right) for option in options(side)):
        return put_together([forms(left), forms(right)])
    return UNKNOWN


def filled(text: str, given: Value) -> Value:
    """A template of `%`, with what is given for its places."""
    pieces = re.split(r"%(?:\(\w+\))?[-+ #0-9.]*[sdrfixeg]", text)
    values = given.items if isinstance(given, Items) and given.rest is None else [given]
    known = len(values) == len(pieces) - 1 and "%(" not in text
    parts: list[list[str]] = [[pieces[0].replace("%%", "%")]]
    for position, piece in enumerate(pieces[1:]):
        parts += [forms(values[position]) if known else ["\0"], [piece.replace("%%", "%")]]
    return put_together(parts)


def text_method(event: Event, receiver: Value, name: str) -> Value:
    """A method of a text."""
    text = spoken(receiver)
    if text is None:
        return UNKNOWN
    if name == "format":
        return _formatted(event, text)
    if name in ("substitute", "safe_substitute"):
        return told(re.sub(r"\$\{?\w+\}?", "\0", text))
    if name == "join":
        given = event.value("", 0)
        if isinstance(given, Items) and given.items and given.rest is None:
            parts = [part for item in given.items for part in ([text], forms(item))]
            return put_together(parts[1:])
        return told(text.join(["\0", "\0"]))
    if name == "strip":
        return told(text.strip()) if "\0" not in text else receiver
    return receiver if name in ("lstrip", "rstrip", "lower", "replace", "removeprefix", "removesuffix") else UNKNOWN


def _formatted(event: Event, text: str) -> Value:
    named = {one.name: one.value for one in event.arguments if one.name not in (None, "*", "**")}
    plain = [one.value for one in event.arguments if one.name is None]
    parts: list[list[str]] = []
    position = 0
    for piece in re.split(r"(\{\{|\}\}|\{[^{}]*\})", text):
        if piece in ("{{", "}}"):
            parts.append([piece[0]])
        elif piece.startswith("{"):
            key = piece[1:-1].split("!")[0].split(":")[0]
            value = named.get(key, UNKNOWN)
            if key == "" or key.isdecimal():
                place = int(key) if key else position
                position += 1
                value = plain[place] if place < len(plain) else UNKNOWN
            parts.append(forms(value))
        else:
            parts.append([piece])
    return put_together(parts)
